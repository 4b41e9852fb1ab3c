/** Milliseconds of work after which a measurement counts half: the speed is that of the last seconds. */
const HALF_LIFE_MILLISECONDS = 2_000;

/**
 * Units of work a second, measured over the time in which some was under way; time in which two pieces were counts
 * once.
 */
export class Speed {
  readonly #usual: number;
  readonly #least: number;
  #running = 0;
  #countedUntil = 0;
  /** Since the last measurement. */
  #part = { units: 0, milliseconds: 0 };
  #units = 0;
  #milliseconds = 0;

  /**
   * @param usual what it is taken for before the first measurement. @param least units of a measurement: small pieces
   * of work, alone, say nothing about how fast it is when there is much to do.
   */
  constructor(usual: number, least: number) {
    this.#usual = usual;
    this.#least = least;
  }

  get perSecond(): number {
    return this.#milliseconds === 0 ? this.#usual : (this.#units * 1_000) / this.#milliseconds;
  }

  /** A piece of work begins. @param now milliseconds of a clock that only goes forward. */
  begin(now: number): void {
    if (this.#running === 0) {
      this.#countedUntil = now;
      this.#part = { units: 0, milliseconds: 0 };
    }
    this.#running += 1;
  }

  /** It ended; one that failed has no units. @returns milliseconds of work since the last piece ended or began. */
  end(units: number, now: number): number {
    const milliseconds = now - this.#countedUntil;
    this.#countedUntil = now;
    this.#running -= 1;
    this.#part.units += units;
    this.#part.milliseconds += milliseconds;
    if (this.#part.units >= this.#least && this.#part.milliseconds > 0) {
      const kept = 0.5 ** (this.#part.milliseconds / HALF_LIFE_MILLISECONDS);
      this.#units = this.#units * kept + this.#part.units;
      this.#milliseconds = this.#milliseconds * kept + this.#part.milliseconds;
      this.#part = { units: 0, milliseconds: 0 };
    }
    return milliseconds;
  }
}
