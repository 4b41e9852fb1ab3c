/** One thing that was to be shown. */
export interface CheckResult {
  readonly scenario: string;
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
}

/** Collects what was shown, and says it as it comes. */
export class Checks {
  readonly results: CheckResult[] = [];
  #scenario = '';

  constructor(private readonly print: (line: string) => void) {}

  scenario(name: string): void {
    this.#scenario = name;
    this.print(`\n${name}`);
  }

  check(name: string, holds: boolean, detail = ''): void {
    this.results.push({ scenario: this.#scenario, name, holds, detail });
    this.print(`  ${holds ? 'ok  ' : 'FAIL'} ${name}${detail === '' ? '' : `: ${detail}`}`);
  }

  /** What was shown elsewhere. */
  add({ results }: Checks): void {
    for (const { scenario, name, holds, detail } of results) {
      if (scenario !== this.#scenario) this.scenario(scenario);
      this.check(name, holds, detail);
    }
  }

  /** Holds where the action is refused with this code. */
  async refused(name: string, code: string, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
      this.check(name, false, `not refused, expected ${code}`);
    } catch (error) {
      const actual = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      this.check(name, actual === code, error instanceof Error ? error.message : actual);
    }
  }

  get passed(): number {
    return this.results.filter(({ holds }) => holds).length;
  }
  get failed(): number {
    return this.results.length - this.passed;
  }
}
