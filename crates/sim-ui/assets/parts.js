// What players and leaders both see.

import { html } from "/assets/vendor/htm-preact.js";

/** Does something once per frame, however often it is asked to. */
export function perFrame(act) {
  let frame = 0;
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      act();
    });
  };
}

/** A text of a game's module, in the language or in English; for a role where it names roles. */
export function label(texts, lang, role) {
  const text = texts?.[lang] ?? texts?.en;
  return typeof text === "object" ? text[role] : text;
}

/** What a decision or a result says: the module's field, or else all that it holds. */
export function shown(object, field) {
  const data = object?.data ?? {};
  const value = field ? data[field] : Object.values(data)[0];
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The round that is played: the last one of the scenario. */
export function rounds(model, scenario) {
  return scenario ? model.all("period", { scenario: scenario.id }) : [];
}

/** The members who decide in a world, with their roles. */
export function deciders(model, world) {
  return model.all("runuser", { world }).filter((it) => it.active && !it.leader && it.role !== null);
}

export function decisionOf(model, period, role) {
  return model.all("decision", { period: period.id, role })[0];
}

export function resultOf(model, period) {
  return model.all("result", { period: period.id })[0];
}

/** The fields of a form that the game has refused, with what it says about each. */
export function faultyFields({ uri, args }) {
  return uri === "application.error.validation_error" ? args[1] ?? {} : {};
}

/** What people read of a call that failed. */
export function fault(error, t) {
  if (error.uri === "offline") return t("notSaved");
  const messages = Object.values(faultyFields(error));
  return messages.length > 0 ? messages.join(" ") : error.message;
}

export function personName({ first_name, last_name, email }) {
  return `${first_name} ${last_name}`.trim() || email;
}

export function Phases({ model, run, t }) {
  return html`
    <ol class="phases" aria-label=${t("phase")}>
      ${model.steps().map((phase) => html`
        <li aria-current=${phase.id === run.phase ? "step" : null}>${phase.name}</li>`)}
    </ol>`;
}

export function Online({ member, t }) {
  const text = member.online ? t("online") : t("away");
  return html`<span class=${member.online ? "dot on" : "dot"} role="img" aria-label=${text} title=${text}></span>`;
}

/** What the leader has said to a world, or to all of a run. */
export function Notice({ of }) {
  return html`<p class="notice" role="status">${of?.data.notice?.text ?? ""}</p>`;
}

/** Numbers over rounds as a line; other results have no chart. */
export function Chart({ points, label }) {
  const numbers = points.filter(([, value]) => Number.isFinite(value));
  if (numbers.length < 2) return null;
  const [width, height, pad] = [320, 120, 12];
  const orders = numbers.map(([order]) => order);
  const values = numbers.map(([, value]) => value);
  const scale = (value, all, from, to) => {
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from);
  };
  const at = numbers.map(([order, value]) => [
    scale(order, orders, pad, width - pad), scale(value, values, height - pad, pad),
  ]);
  const text = `${label}: ${numbers.map(([order, value]) => `${order}: ${value}`).join(", ")}`;
  return html`
    <svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label=${text}>
      <polyline points=${at.map((point) => point.join()).join(" ")} />
      ${at.map(([x, y]) => html`<circle cx=${x} cy=${y} r="3" />`)}
    </svg>`;
}
