// The figures of the service, and what two readings of them say about the time between.

import { html } from "/assets/vendor/htm-preact.js";
import { Table } from "/assets/listing.js";

/** One reading, from the text form of Prometheus. */
export class Figures {
  constructor(text, at) {
    this.at = Date.parse(at);
    this.byName = new Map();
    for (const line of text.split("\n")) {
      const found = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/);
      if (!found) continue;
      const [, name, inside = "", value] = found;
      const labels = Object.fromEntries(
        [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]));
      if (!this.byName.has(name)) this.byName.set(name, []);
      this.byName.get(name).push({ labels, value: Number(value) });
    }
  }

  all(name, wanted = {}) {
    const pairs = Object.entries(wanted);
    return (this.byName.get(name) ?? []).filter(({ labels }) =>
      pairs.every(([label, text]) => labels[label] === text));
  }

  sum(name, wanted) {
    return this.all(name, wanted).reduce((sum, { value }) => sum + value, 0);
  }
}

function rate(from, to, name, wanted) {
  const seconds = (to.at - from.at) / 1000;
  return seconds > 0 ? Math.max(0, to.sum(name, wanted) - from.sum(name, wanted)) / seconds : 0;
}

/** The value below which this part of all values lies, as well as the buckets tell. */
export function quantile(from, to, name, wanted, part) {
  const before = new Map(from.all(`${name}_bucket`, wanted).map(({ labels, value }) => [labels.le, value]));
  const buckets = to.all(`${name}_bucket`, wanted)
    .map(({ labels, value }) => ({
      bound: labels.le === "+Inf" ? Infinity : Number(labels.le), count: value - (before.get(labels.le) ?? 0),
    }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const rank = part * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const [low, { bound, count }] = [buckets[index - 1] ?? { bound: 0, count: 0 }, buckets[index]];
  if (bound === Infinity) return low.bound;
  return low.bound + (bound - low.bound) * ((rank - low.count) / (count - low.count || 1));
}

const number = (value) => value.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 3 });
const milliseconds = (seconds, t) => (seconds === null ? t("none") : `${number(seconds * 1000)} ms`);

function duration(seconds) {
  const [days, rest] = [Math.floor(seconds / 86400), Math.floor(seconds) % 86400];
  const clock = [rest / 3600, (rest / 60) % 60, rest % 60].map((it) => String(Math.floor(it)).padStart(2, "0"));
  return `${days > 0 ? `${days} d ` : ""}${clock.join(":")}`;
}

/** How the process is, and how much goes through it. */
export function Vitals({ from, to, status, t }) {
  const started = to.sum("process_start_time_seconds");
  const facts = [
    [t("monUptime"), started > 0 ? duration(to.at / 1000 - started) : t("none")],
    [t("monMemory"), `${number(to.sum("process_resident_memory_bytes") / 1e6)} MB`],
    [t("monProcessor"), `${number(rate(from, to, "process_cpu_seconds_total") * 100)} %`],
    [t("monFds"), to.sum("process_open_fds")],
    [t("monThreads"), to.sum("process_threads")],
    [t("monWaiting"), status.games.reduce((sum, { waiting }) => sum + waiting, 0)],
    [t("monCallRate"), number(rate(from, to, "wamp_calls_total"))],
    [t("monEventRate"), number(rate(from, to, "wamp_events_total"))],
    [t("monCommitRate"), number(rate(from, to, "games_commits_total"))],
    [t("monCommitTime"), milliseconds(quantile(from, to, "engine_commit_seconds", {}, 0.99), t)],
  ];
  return html`
    <h2>${t("monProcess")}</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Every procedure that was ever called: a row that has come stays where it is. */
export function Traffic({ from, to, t }) {
  const procedures = new Map(to.all("engine_call_seconds_count").map(({ labels, value }) =>
    [`${labels.game} ${labels.procedure}`, { labels, value }]));
  const rows = [...procedures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { labels, value }]) => {
    const { game, procedure } = labels;
    const wanted = { game, procedure };
    const [all, ok] = [{}, { outcome: "ok" }].map((more) => rate(from, to, "engine_calls_total", { ...wanted, ...more }));
    return [key, procedure, value, number(all), number(Math.max(0, all - ok)),
      milliseconds(quantile(from, to, "engine_call_seconds", wanted, 0.5), t),
      milliseconds(quantile(from, to, "engine_call_seconds", wanted, 0.99), t)];
  });
  return html`
    <h2>${t("monTraffic")}</h2>
    <${Table} label=${t("monTraffic")} t=${t} rows=${rows}
      columns=${[t("monProcedure"), t("monCalls"), t("monPerSecond"), t("monErrorsPerSecond"), "p50", "p99"]} />`;
}
