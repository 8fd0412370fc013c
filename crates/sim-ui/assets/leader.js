// What a leader sees: all worlds of a run at once, and the phases.

import { html, useMemo, useState } from "/assets/vendor/htm-preact.js";
import { Debrief } from "/assets/debrief.js";
import { Fields, canDecideFor, initial, typed } from "/assets/decide.js";
import { calledAmong, decisionBy, isEachOwn, outcomeOf, saying } from "/assets/decisions.js";
import { Confirm, FormDialog } from "/assets/dialogs.js";
import { AddList, AddPerson, JoinLink, Move, Notify } from "/assets/seating.js";
import { Notice, Online, Phases, deciders, fault, label, personName, rounds } from "/assets/parts.js";

/** What a world has come to, in one object. */
function state(model, world, view) {
  const periods = rounds(model, model.all("scenario", { world: world.id })[0]);
  const period = periods.at(-1);
  const members = deciders(model, world.id);
  const missing = period ? members.filter((it) => !decisionBy(model, period, it, view)) : members;
  return { world, period, members, missing, last: periods.findLast((it) => outcomeOf(model, it, view)) };
}

/** Decides for somebody who cannot. */
function DecideFor({ model, period, member, view, onClose, t, lang }) {
  const [values, setValues] = useState(() => initial(decisionBy(model, period, member, view), view));
  const send = () => {
    const value = typed(values, view);
    const [args, kwargs] = typeof value === "object" ? [[], value] : [[value], {}];
    return model.call("period", period.id, "submit_for", [member.id, ...args], kwargs);
  };
  return html`
    <${FormDialog} title=${t("decideFor", personName(member))} verb=${t("submit")} ...${{ send, onClose, t }}>
      <${Fields} ...${{ view, values, t, lang }} name=${member.role_name} isBad=${() => false}
        onInput=${(name, value) => setValues({ ...values, [name]: value })} />
    <//>`;
}

function Member({ member, onMove, offline, t }) {
  return html`
    <span><${Online} member=${member} t=${t} /> ${personName(member)}
      ${" "}<button class="small" disabled=${offline} onClick=${() => onMove(member)}>
        ${t("change")}<span class="hidden">: ${t("moveTo", personName(member))}</span></button>
    </span>`;
}

/** A world's row. It is drawn anew only when something that it shows has changed: objects of the model are
 * replaced, never altered, and a class has a hundred worlds in which something happens all the time. */
function World(props) {
  const { model, state: { world, period, members, last }, roles, view, offline, lang } = props;
  const decisions = members.map((it) => period && decisionBy(model, period, it, view));
  const result = last && outcomeOf(model, last, view);
  return useMemo(() => drawn(props),
    [world, period, result, lang, offline, ...roles, ...members, ...decisions]);
}

function drawn({ model, state, roles, view, onDecide, onMove, onNotify, offline, t, lang }) {
  const { world, period, members, last } = state;
  const decided = (member, several) => {
    const decision = decisionBy(model, period, member, view);
    return html`
      <span class=${decision ? "line-of decided" : "line-of missing"}>
        ${several ? `${personName(member)}: ` : ""}
        ${decision ? saying(decision, view.decision, t, lang) || t("decided") : t("missing")}
        ${onDecide && html` <button class="small" disabled=${offline} onClick=${() => onDecide(period, member)}>
          ${t("change")}<span class="hidden">: ${t("decideFor", personName(member))}</span></button>`}
      </span>`;
  };
  const cell = (role) => {
    const alike = members.filter((it) => it.role === role.id);
    if (!period || alike.length === 0) return html`<td>${t("none")}</td>`;
    const each = isEachOwn(view) ? alike : alike.slice(0, 1);
    return html`<td>${each.map((it) => decided(it, each.length > 1))}</td>`;
  };
  return html`
    <tr>
      <th scope="row">${world.name}</th>
      <td class="people">
        ${members.map((it) => html`<${Member} key=${it.id} member=${it} ...${{ onMove, offline, t }} />`)}
        <button class="small" disabled=${offline} onClick=${() => onNotify(world)}>
          ${t("message")}<span class="hidden">: ${world.name}</span></button>
        <${Notice} of=${world} />
      </td>
      <td>${period ? period.order : t("none")}${period?.data.closed ? ` (${t("roundClosed")})` : ""}</td>
      ${roles.map(cell)}
      <td>${last ? `${saying(outcomeOf(model, last, view), view.result, t, lang)} (${last.order})` : t("none")}</td>
    </tr>`;
}

/** All worlds as they are at this moment. */
function Grid({ worlds, ...rest }) {
  const { roles, view, t, lang } = rest;
  return html`
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
          <${World} key=${it.world.id} ...${{ ...rest, state: it }} />`)}</tbody>
      </table>
    </div>`;
}

export function Leader({ model, view, seat, t, lang, offline }) {
  // What stands before everything else: a component, and what it needs besides the usual.
  const [dialog, setDialog] = useState(null);
  const [comparing, setComparing] = useState(false);
  const [said, setSaid] = useState({ text: "", bad: false });
  const run = model.get("run", seat.run);
  if (!run?.active) return html`<p class="card">${t("runAsleep")}</p>`;
  const steps = model.steps();
  const at = steps.findIndex((it) => it.id === run.phase);
  const [next, previous] = [steps[at + 1], steps[at - 1]];
  const worlds = model.all("world", { run: run.id }).map((world) => state(model, world, view));
  const seated = new Set(worlds.flatMap((it) => it.members.map((member) => member.id)));
  const unseated = model.all("runuser", { run: run.id }).filter((it) => !it.leader && !seated.has(it.id));
  const decides = new Set(worlds.flatMap((it) => it.members.map((member) => member.role)));
  const roles = model.roles.filter((role) => decides.has(role.id));
  const missing = worlds.filter((it) => it.missing.length > 0)
    .map((it) => `${it.world.name} (${it.missing.map((member) => calledAmong(it.members, member)).join(", ")})`);
  const detail = missing.length > 0 ? t("undecided", missing.join("; ")) : t("everybodyDecided");
  const act = async (name) => {
    setSaid({ text: "", bad: false });
    try {
      await model.call("run", run.id, name);
      setSaid({ text: t("done"), bad: false });
    } catch (error) {
      setSaid({ text: fault(error, t), bad: true });
    }
  };
  const open = (shown, more = {}) => setDialog({ shown, more });
  const button = (text, onClick, quiet = true) => html`
    <button class=${quiet ? "quiet" : ""} disabled=${offline} onClick=${onClick}>${text}</button>`;
  const ask = (text, name, question, detail) => button(text, () =>
    open(Confirm, { question, detail, onYes: () => act(name) }), name !== "advance_phase");
  const add = (shown) => () => open(shown, { onDone: (text) => setSaid({ text, bad: false }) });
  const tab = (wanted, text) => html`
    <button class="quiet" aria-pressed=${comparing === wanted} onClick=${() => setComparing(wanted)}>${text}</button>`;
  const onMove = (member) => open(Move, { member });
  return html`
    <article class="card wide">
      <h1>${run.name}</h1>
      <p>${t("leads", run.name)}</p>
      <${Notice} of=${run} />
      <${Phases} ...${{ model, run, t }} />
      <div class="acts">
        ${previous && ask(t("rollback", previous.name), "rollback_phase", t("confirmRollback", previous.name), "")}
        ${next ? ask(t("advance", next.name), "advance_phase", t("confirmAdvance", next.name), detail)
          : html`<span>${t("lastPhase")}</span>`}
        ${ask(t("stepRounds"), "step", t("confirmStep"), detail)}
        ${button(t("closeRounds"), () => act("close"))}
        ${button(t("reopenRounds"), () => act("reopen"))}
      </div>
      <div class="acts">
        ${button(t("joinLink"), () => open(JoinLink))}
        ${button(t("addPerson"), add(AddPerson))}
        ${button(t("addList"), add(AddList))}
        ${button(t("notifyAll"), () => open(Notify))}
        <span class=${said.bad ? "message bad" : "message"} role="status">${said.text}</span>
      </div>
      ${dialog && html`<${dialog.shown} ...${{ model, run, view, t, lang, ...dialog.more }} onClose=${() => setDialog(null)} />`}
      <div class="acts" role="group" aria-label=${t("views")}>
        ${tab(false, t("live"))} ${tab(true, t("debrief"))}
      </div>
      ${comparing ? html`<${Debrief} ...${{ model, run, view, t, lang }} />`
        : html`<${Grid} ...${{ model, worlds, roles, view, onMove, offline, t, lang }}
          onDecide=${canDecideFor(view) && ((period, member) => open(DecideFor, { period, member }))}
          onNotify=${(world) => open(Notify, { world })} />`}
      ${!comparing && unseated.length > 0 && html`
        <h3>${t("unseated")}</h3>
        <p class="people">${unseated.map((it) => html`
          <${Member} key=${it.id} member=${it} ...${{ onMove, offline, t }} />`)}</p>`}
    </article>`;
}
