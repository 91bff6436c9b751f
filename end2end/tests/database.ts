// A PostgreSQL database of a test's own, on the server that TASK_TEST_POSTGRES names.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The server for tests; `cargo xtask test` and `cargo xtask postgres` set it. */
export const POSTGRES = process.env.TASK_TEST_POSTGRES;

/** Whether every server of a test keeps its tasks in PostgreSQL. */
export const ON_POSTGRES = process.env.TASKDECK_E2E_STORE === "postgres";

async function sql(statement: string): Promise<void> {
  if (!POSTGRES) throw new Error("TASK_TEST_POSTGRES names no server: run `cargo xtask postgres`, or set it by hand");
  await run("psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", `--dbname=${POSTGRES}`, "--command", statement]);
}

export class Database {
  private constructor(
    private readonly name: string,
    /** What TASK_STORE is. */
    readonly url: string,
  ) {}

  static async create(): Promise<Database> {
    const name = `taskdeck_test_${randomUUID().replaceAll("-", "")}`;
    await sql(`CREATE DATABASE ${name}`);
    const url = new URL(POSTGRES!);
    url.pathname = `/${name}`;
    return new Database(name, url.href);
  }

  /** Ends every session on it, as an operator may, or a server that is restarted. */
  async endSessions(): Promise<void> {
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${this.name}'`);
  }

  async drop(): Promise<void> {
    await sql(`DROP DATABASE ${this.name} WITH (FORCE)`);
  }
}
