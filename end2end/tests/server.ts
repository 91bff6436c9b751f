// A Taskdeck server of a test's own: its store is empty, and it can be killed and started again. The store is a SQLite
// file, or a PostgreSQL database where the whole run says so, or the settings name one.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Database, ON_POSTGRES } from "./database";

/** How many tasks run at the same time: what a test waits for does not depend on the cores of a machine. */
export const SLOTS = 4;

/** The first words of `serve`, with where it listens, and of `worker`. */
const READY = /taskdeck (?:serves (http:\/\/\S+?)|works),/;

type Command = "serve" | "worker";

export class Server {
  private process: ChildProcess | undefined;
  private readonly said: string[] = [];

  private constructor(
    private readonly binary: string,
    private readonly settings: Record<string, string>,
    readonly folder: string,
    private readonly command: Command,
    /** Made for this server, and removed with it. */
    private readonly database: Database | undefined,
    public url: string,
  ) {}

  /** Starts a server on a free port, or a worker, which has none. */
  static async start(
    binary: string,
    settings: Record<string, string>,
    command: Command = "serve",
  ): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "taskdeck-e2e-"));
    const database = ON_POSTGRES && settings.TASK_STORE === undefined ? await Database.create() : undefined;
    const server = new Server(binary, settings, folder, command, database, "http://127.0.0.1:0");
    try {
      await server.run();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** The file that tasks are in, unless they are in PostgreSQL. */
  get store(): string {
    return join(this.folder, "taskdeck.db");
  }

  /** The database that imported rows go to. */
  get data(): string {
    return join(this.folder, "data.db");
  }

  /** The process, as it names itself among the workers. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What the server wrote to its standard output and error. */
  get log(): string {
    return this.said.join("\n");
  }

  /** Starts it again where it was, with the store it had. */
  async restart(): Promise<void> {
    await this.run();
  }

  /** Ends it as `kill -9` and a power cut do. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Asks it to stop, and removes what it kept. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    await this.database?.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const process = this.process;
    this.process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, "exit");
    process.kill(signal);
    await exited;
  }

  /** Returns when the server says where it listens. */
  private async run(): Promise<void> {
    const ours = Object.entries(process.env).filter(([name]) => !name.startsWith("TASK_"));
    const child = spawn(this.binary, [this.command], {
      cwd: this.folder,
      env: {
        ...Object.fromEntries(ours),
        TASK_BIND: new URL(this.url).host,
        TASK_STORE: this.database?.url ?? `sqlite:${this.store}`,
        TASK_DATA: this.data,
        TASK_MAX_CONCURRENT: String(SLOTS),
        TASK_GRACE: "2s",
        ...this.settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    this.url = await new Promise<string>((resolve, reject) => {
      const read = (line: string) => {
        this.said.push(line);
        const ready = READY.exec(line);
        if (ready) resolve(ready[1] ?? this.url);
      };
      createInterface({ input: child.stdout }).on("line", read);
      createInterface({ input: child.stderr }).on("line", read);
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        reject(new Error(`the server ended before it listened (${code ?? signal}):\n${this.log}`));
      });
    });
  }
}
