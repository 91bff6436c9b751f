// Looks into a SQLite file with what the machine has: Node's own SQLite (from version 22), or the sqlite3 command.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The number that the query answers; undefined on a machine that has nothing to ask it with. */
export async function number(database: string, sql: string): Promise<number | undefined> {
  return (await byNode(database, sql)) ?? (await byCommand(database, sql));
}

async function byNode(database: string, sql: string): Promise<number | undefined> {
  try {
    // Named by a variable, because Node 20 has no such module.
    const name = "node:sqlite";
    const { DatabaseSync } = await import(name);
    const connection = new DatabaseSync(database, { readOnly: true });
    try {
      return Number(Object.values(connection.prepare(sql).get() as object)[0]);
    } finally {
      connection.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_UNKNOWN_BUILTIN_MODULE") return undefined;
    throw error;
  }
}

async function byCommand(database: string, sql: string): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)("sqlite3", ["-readonly", database, sql]);
    return Number(stdout.trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
