// What a player sees: the own place, the form of the own role, and what came out.

import { html, useLayoutEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import {
  Chart, Notice, Online, Phases, decisionOf, deciders, fault, label, personName, resultOf, rounds, shown,
} from "/assets/parts.js";

/** The form in which a player decides. What it says comes from the service, when it has answered. */
function Decide({ model, period, own, role, view, t, lang, offline }) {
  const decision = view.decision ?? { procedure: "submit_decision" };
  const [value, setValue] = useState(shown(own, decision.field));
  const [state, setState] = useState({ text: "", bad: false });
  const [busy, setBusy] = useState(false);
  const round = useRef(period.id);
  // The next round begins empty, before anybody can type; what was said of the last one stays.
  useLayoutEffect(() => {
    if (round.current !== period.id) setValue(shown(own, decision.field));
    round.current = period.id;
  }, [period.id]);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setState({ text: t("submitting"), bad: false });
    try {
      const answer = await model.call("period", period.id, decision.procedure, [value]);
      const accepted = answer === "ok" || typeof answer !== "string";
      setState(accepted ? { text: t("saved"), bad: false } : { text: answer, bad: true });
    } catch (error) {
      setState({ text: fault(error, t), bad: true });
    } finally {
      setBusy(false);
    }
  };
  const typed = (event) => {
    setValue(event.target.value);
    setState({ text: "", bad: false });
  };
  return html`
    <form onSubmit=${submit}>
      <label>${label(decision.label, lang, role?.name) ?? role?.name ?? t("value")}
        <input type="text" inputmode="decimal" autocomplete="off" required value=${value}
          onInput=${typed} aria-invalid=${state.bad} aria-describedby="said-${period.id}" />
      </label>
      <button disabled=${busy || offline}>${t("submit")}</button>
      <p id="said-${period.id}" class=${state.bad ? "message bad" : "message"} role="status">${state.text}</p>
    </form>`;
}

function History({ model, periods, members, view, t, lang }) {
  const roles = [...new Set(members.map((it) => it.role))]
    .map((pk) => model.role(pk) ?? { id: pk, name: t("value") });
  const result = label(view.result?.label, lang) ?? t("result");
  const value = (object, field) => shown(object, field) || t("none");
  const points = periods.map((period) =>
    [period.order, Number.parseFloat(shown(resultOf(model, period), view.result?.field))]);
  return html`
    <section aria-label=${t("history")}>
      <h3>${t("history")}</h3>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("history")}>
        <table>
          <thead><tr>
            <th scope="col">${t("round", "")}</th>
            ${roles.map((role) => html`<th scope="col">${role.name}</th>`)}
            <th scope="col">${result}</th>
          </tr></thead>
          <tbody>${periods.map((period) => html`
            <tr key=${period.id}>
              <th scope="row">${period.order}</th>
              ${roles.map((role) => html`
                <td>${value(decisionOf(model, period, role.id), view.decision?.field)}</td>`)}
              <td>${value(resultOf(model, period), view.result?.field)}</td>
            </tr>`)}</tbody>
        </table>
      </div>
      <${Chart} points=${points} label=${result} />
    </section>`;
}

/** The phases in which players decide: those that the game names, or else Play where there is one. */
function decisionPhases(model, view) {
  if (view.decision?.phases) return view.decision.phases;
  return model.phases.some((it) => it.name === "Play") ? ["Play"] : null;
}

export function Player({ model, view, seat, t, lang, offline }) {
  const me = model.get("runuser", seat.runuser);
  const run = model.get("run", seat.run);
  if (!me || !run?.active) return html`<p class="card">${t("runAsleep")}</p>`;
  const world = me.world === null ? null : model.get("world", me.world);
  const role = me.role === null ? null : model.role(me.role);
  const phase = model.phases.find((it) => it.id === run.phase);
  const scenario = model.all("scenario", world ? { world: world.id } : { runuser: me.id })[0];
  const periods = rounds(model, scenario);
  const period = periods.at(-1);
  const members = world ? deciders(model, world.id) : [me];
  const missing = period
    ? members.filter((it) => it.id !== me.id && !decisionOf(model, period, it.role)) : [];
  // In a world only those decide who have a role; who plays alone needs none.
  const decides = role || !world;
  const own = period && decides && decisionOf(model, period, me.role);
  const deciding = decisionPhases(model, view);
  const playing = deciding === null || deciding.includes(phase?.name);
  const last = periods.findLast((it) => resultOf(model, it));
  return html`
    <article class="card">
      <h1>${run.name}</h1>
      <${Phases} ...${{ model, run, t }} />
      <${Notice} of=${run} />
      <${Notice} of=${world} />
      <p class="seat">${world ? t("youAre", role?.name, world.name) : period ? "" : t("noWorld")}</p>
      ${world && html`
        <h3>${t("people")}</h3>
        <ul class="team">${members.map((it) => html`
          <li key=${it.id}>
            <${Online} member=${it} t=${t} />
            ${personName(it)} (${it.role_name})${it.id === me.id ? `, ${t("you")}` : ""}
          </li>`)}</ul>`}
      ${period && html`<h2>${t("round", period.order)}</h2>`}
      ${period && decides && (playing
        ? html`<${Decide} ...${{ model, period, own, role, view, t, lang, offline }} />`
        : html`<p>${t("notInPhase", deciding.join(", "))}</p>`)}
      ${period?.data.closed && html`<p>${t("roundIsClosed")}</p>`}
      <p class="waiting" role="status">
        ${playing && own && missing.length > 0 ? t("waitingFor", missing.map((it) => it.role_name).join(", ")) : ""}
      </p>
      <p class="outcome" role="status">
        ${last ? `${t("round", last.order)}: ${label(view.result?.label, lang) ?? t("result")} ${shown(resultOf(model, last), view.result?.field)}` : ""}
      </p>
      <${History} ...${{ model, periods, members, view, t, lang }} />
    </article>`;
}
