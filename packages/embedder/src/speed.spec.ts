import { describe, expect, it } from '@jest/globals';
import { Speed } from './speed.js';

describe('the speed', () => {
  it('is the usual one until it was measured', () => {
    const speed = new Speed(1_000, 10);
    expect(speed.perSecond).toBe(1_000);
    speed.begin(0);
    speed.end(9, 1);
    expect(speed.perSecond).toBe(1_000);
  });

  it('counts time in which two pieces ran once, whichever ends first, and not the time between', () => {
    const speed = new Speed(1, 1);
    speed.begin(0);
    speed.begin(500);
    expect(speed.end(100, 1_000)).toBe(1_000);
    expect(speed.end(50, 1_500)).toBe(500);
    speed.begin(90_000);
    speed.end(50, 90_500);
    expect(speed.perSecond).toBeCloseTo(100, 5);
  });

  it('follows what changes within seconds', () => {
    const speed = new Speed(1, 1);
    let now = 0;
    const work = (units: number, milliseconds: number): void => {
      speed.begin(now);
      speed.end(units, (now += milliseconds));
    };
    for (let i = 0; i < 100; i++) work(1_000, 100);
    expect(speed.perSecond).toBeCloseTo(10_000, 3);
    for (let i = 0; i < 50; i++) work(100, 100);
    expect(speed.perSecond).toBeLessThan(3_000);
  });

  it('is not judged by small pieces alone', () => {
    const speed = new Speed(1, 100);
    speed.begin(0);
    speed.end(1_000, 100);
    for (let i = 1; i < 100; i++) {
      speed.begin(i * 1_000);
      speed.end(5, i * 1_000 + 50);
    }
    expect(speed.perSecond).toBe(10_000);
  });
});
