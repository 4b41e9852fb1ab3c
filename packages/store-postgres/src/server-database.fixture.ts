import pg from 'pg';

/** Databases and roles of a spec on a server, with names of their own; they go with it. */
export class ServerDatabases {
  readonly #admin: pg.Client;
  readonly #databases: string[] = [];
  readonly #roles: string[] = [];
  static #count = 0;

  private constructor(
    private readonly url: string,
    admin: pg.Client,
  ) {
    this.#admin = admin;
  }

  static async at(url: string): Promise<ServerDatabases> {
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    return new ServerDatabases(url, admin);
  }

  /** Its address. */
  async create(): Promise<string> {
    const name = `kimera_spec_${process.pid}_${ServerDatabases.#count++}`;
    await this.#admin.query(`CREATE DATABASE ${name}`);
    this.#databases.push(name);
    return this.addressOf(name);
  }

  /** Address of a new role that may log in and nothing else, in the database of another address. */
  async role(database: string): Promise<{ readonly name: string; readonly url: string }> {
    const name = `kimera_role_${process.pid}_${ServerDatabases.#count++}`;
    await this.#admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
    this.#roles.push(name);
    const url = new URL(database);
    url.username = name;
    url.password = 'secret';
    return { name, url: url.href };
  }

  /** As superuser. */
  async run(database: string, ...statements: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async drop(): Promise<void> {
    for (const name of this.#databases) await this.#admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    for (const name of this.#roles) await this.#admin.query(`DROP ROLE ${name}`);
    await this.#admin.end();
  }

  private addressOf(name: string): string {
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return url.href;
  }
}
