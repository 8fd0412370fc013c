// What a leader sees: all worlds of a run at once, and the phases.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import {
  Online, Phases, decisionOf, deciders, label, personName, resultOf, rounds, shown,
} from "/assets/parts.js";

/** What a world has come to, in one object. */
function state(model, world) {
  const periods = rounds(model, model.all("scenario", { world: world.id })[0]);
  const period = periods.at(-1);
  const members = deciders(model, world.id);
  const missing = period ? members.filter((it) => !decisionOf(model, period, it.role)) : members;
  return { world, period, members, missing, last: periods.findLast((it) => resultOf(model, it)) };
}

/** Asks before something is done that all players notice. */
function Confirm({ question, detail, onYes, onClose, t }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} onClose=${onClose} aria-labelledby="question">
      <h2 id="question">${question}</h2>
      <p>${detail}</p>
      <form method="dialog">
        <button class="quiet">${t("cancel")}</button>
        <button onClick=${onYes}>${t("yes")}</button>
      </form>
    </dialog>`;
}

function World({ model, state: { world, period, members, last }, roles, view, t }) {
  const field = view.decision?.field;
  const cell = (role) => {
    if (!period || !members.some((it) => it.role === role.id)) return html`<td>${t("none")}</td>`;
    const decision = decisionOf(model, period, role.id);
    return decision
      ? html`<td class="decided">${shown(decision, field) || t("decided")}</td>`
      : html`<td class="missing">${t("missing")}</td>`;
  };
  return html`
    <tr>
      <th scope="row">${world.name}</th>
      <td class="people">${members.map((it) => html`
        <span key=${it.id}><${Online} member=${it} t=${t} /> ${personName(it)}</span>`)}</td>
      <td>${period ? period.order : t("none")}${period?.data.closed ? ` (${t("roundClosed")})` : ""}</td>
      ${roles.map(cell)}
      <td>${last ? `${shown(resultOf(model, last), view.result?.field)} (${last.order})` : t("none")}</td>
    </tr>`;
}

export function Leader({ model, view, seat, t, lang, offline }) {
  const [asking, setAsking] = useState(null);
  const [said, setSaid] = useState({ text: "", bad: false });
  const run = model.get("run", seat.run);
  if (!run?.active) return html`<p class="card">${t("runAsleep")}</p>`;
  const steps = model.steps();
  const at = steps.findIndex((it) => it.id === run.phase);
  const [next, previous] = [steps[at + 1], steps[at - 1]];
  const worlds = model.all("world", { run: run.id }).map((world) => state(model, world));
  const deciding = new Set(worlds.flatMap((it) => it.members.map((member) => member.role)));
  const roles = model.roles.filter((role) => deciding.has(role.id));
  const missing = worlds.filter((it) => it.missing.length > 0)
    .map((it) => `${it.world.name} (${it.missing.map((member) => member.role_name).join(", ")})`);
  const act = async (name) => {
    setSaid({ text: "", bad: false });
    try {
      await model.call("run", run.id, name);
      setSaid({ text: t("done"), bad: false });
    } catch (error) {
      setSaid({ text: error.uri === "offline" ? t("notSaved") : error.message, bad: true });
    }
  };
  const detail = missing.length > 0 ? t("undecided", missing.join("; ")) : t("everybodyDecided");
  return html`
    <article class="card wide">
      <h1>${run.name}</h1>
      <p>${t("leads", run.name)}</p>
      <${Phases} ...${{ model, run, t }} />
      <div class="acts">
        ${previous && html`<button class="quiet" disabled=${offline}
          onClick=${() => setAsking({ name: "rollback_phase", question: t("confirmRollback", previous.name), detail: "" })}
          >${t("rollback", previous.name)}</button>`}
        ${next ? html`<button disabled=${offline}
          onClick=${() => setAsking({ name: "advance_phase", question: t("confirmAdvance", next.name), detail })}
          >${t("advance", next.name)}</button>` : html`<span>${t("lastPhase")}</span>`}
        <button class="quiet" disabled=${offline} onClick=${() => act("close")}>${t("closeRounds")}</button>
        <button class="quiet" disabled=${offline} onClick=${() => act("reopen")}>${t("reopenRounds")}</button>
        <span class=${said.bad ? "message bad" : "message"} role="status">${said.text}</span>
      </div>
      ${asking && html`<${Confirm} ...${asking} t=${t}
        onYes=${() => act(asking.name)} onClose=${() => setAsking(null)} />`}
      <div class="scroll" tabindex="0" role="region" aria-label=${t("worlds")}>
        <table>
          <thead><tr>
            <th scope="col">${t("world")}</th>
            <th scope="col">${t("players")}</th>
            <th scope="col">${t("round", "")}</th>
            ${roles.map((role) => html`<th scope="col">${role.name}</th>`)}
            <th scope="col">${label(view.result?.label, lang) ?? t("result")}</th>
          </tr></thead>
          <tbody>${worlds.map((it) => html`
            <${World} key=${it.world.id} ...${{ model, state: it, roles, view, t }} />`)}</tbody>
        </table>
      </div>
    </article>`;
}
