// Seats that play by themselves, as long as the page is open.

import { decideOn, example, isDue, situation } from "/assets/decide.js";
import { faultyFields } from "/assets/parts.js";

/** Decides in the seats that it was given, one after the other, at a pace. */
export class Bots {
  seats = new Map();
  pace = 1000;
  last = -Infinity;
  timer = null;

  /** Lets a seat play; `onSaid` hears of each decision, and of the text that refused it. */
  add(runuser, { model, view, seat, onSaid }) {
    this.seats.set(runuser, { model, view, seat, onSaid, busy: false });
    this.wake();
  }

  remove(runuser) {
    this.seats.delete(runuser);
  }

  /** The time between two decisions, in milliseconds. */
  setPace(pace) {
    this.pace = pace;
    clearTimeout(this.timer);
    this.timer = null;
    this.wake();
  }

  /** Something has changed: perhaps it is for somebody to decide. */
  wake() {
    if (this.timer !== null || this.seats.size === 0) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.act();
    }, Math.max(0, this.last + this.pace - performance.now()));
  }

  act() {
    for (const [runuser, it] of this.seats) {
      const at = it.model.connection.joined && situation(it.model, it.view, it.seat);
      if (it.busy || !at || !isDue(at)) continue;
      this.last = performance.now();
      // Whoever has decided comes last the next time.
      this.seats.delete(runuser);
      this.seats.set(runuser, it);
      return this.decide(it, at);
    }
  }

  async decide(it, at) {
    const { model, view, onSaid } = it;
    it.busy = true;
    const value = example(model, view, at);
    try {
      onSaid({ view, value, refused: await decideOn(model, at, view, value) });
    } catch (error) {
      onSaid({ view, value, refused: Object.values(faultyFields(error)).join(" ") || error.message });
    }
    it.busy = false;
    this.wake();
  }

  stop() {
    this.seats.clear();
    clearTimeout(this.timer);
  }
}
