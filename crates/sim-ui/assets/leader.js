// What a leader sees: all worlds of a run at once, and the phases.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { Debrief } from "/assets/debrief.js";
import { Fields, canDecideFor, initial, typed } from "/assets/decide.js";
import { calledAmong, decisionBy, isEachOwn, outcomeOf, saying } from "/assets/decisions.js";
import { Online, Phases, deciders, fault, label, personName, rounds } from "/assets/parts.js";

/** What a world has come to, in one object. */
function state(model, world, view) {
  const periods = rounds(model, model.all("scenario", { world: world.id })[0]);
  const period = periods.at(-1);
  const members = deciders(model, world.id);
  const missing = period ? members.filter((it) => !decisionBy(model, period, it, view)) : members;
  return { world, period, members, missing, last: periods.findLast((it) => outcomeOf(model, it, view)) };
}

/** A question before everything else. */
function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} onClose=${onClose} aria-labelledby="question">
      <h2 id="question">${title}</h2>
      ${children}
    </dialog>`;
}

/** Asks before something is done that all players notice. */
function Confirm({ question, detail, onYes, onClose, t }) {
  return html`
    <${Dialog} title=${question} onClose=${onClose}>
      <p>${detail}</p>
      <form method="dialog" class="choice">
        <button class="quiet">${t("cancel")}</button>
        <button onClick=${onYes}>${t("yes")}</button>
      </form>
    <//>`;
}

/** A form before everything else, which closes when what it sends is accepted. */
function FormDialog({ title, send, verb, onClose, t, children }) {
  const [said, setSaid] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    try {
      const answer = await send(new FormData(event.target));
      if (answer === "ok" || typeof answer !== "string") return onClose();
      setSaid(answer);
    } catch (error) {
      setSaid(fault(error, t));
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${submit}>
        ${children}
        <p class="message bad" role="alert">${said}</p>
        <div class="choice">
          <button type="button" class="quiet" onClick=${onClose}>${t("cancel")}</button>
          <button>${verb}</button>
        </div>
      </form>
    <//>`;
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

/** The link by which newcomers join, as text and as a picture. */
function JoinLink({ model, run, onClose, t }) {
  const [code, setCode] = useState(null);
  const [said, setSaid] = useState("");
  const call = async (name, args) => {
    try {
      return await model.call("run", run.id, name, args);
    } catch (error) {
      setSaid(fault(error, t));
      return null;
    }
  };
  const show = async (renew) => setCode(await call("join_code", [renew]));
  const end = async () => {
    await call("close_joining");
    onClose();
  };
  useEffect(() => {
    show(false);
  }, []);
  return html`
    <${Dialog} title=${t("joinTitle", run.name)} onClose=${onClose}>
      <p>${t("joinShow")}</p>
      ${code && html`
        <p class="link">${location.origin}/join/${code}</p>
        <img class="qr" src="/join/${code}/qr.svg" alt=${t("joinQr")} width="240" height="240" />`}
      <p class="message bad" role="alert">${said}</p>
      <div class="choice">
        <button onClick=${onClose}>${t("close")}</button>
        <button class="quiet" onClick=${() => show(true)}>${t("joinRenew")}</button>
        <button class="quiet" onClick=${end}>${t("joinClose")}</button>
      </div>
    <//>`;
}

/** Gives a player another world or role. */
function Move({ model, run, member, onClose, t }) {
  const send = (fields) => {
    const key = (name) => (fields.get(name) === "" ? null : Number(fields.get(name)));
    return model.call("run", run.id, "move", [member.id, key("world"), key("role")]);
  };
  const choice = (name, text, none, options, chosen) => html`
    <label>${text}
      <select name=${name}>
        <option value="">${none}</option>
        ${options.map((it) => html`<option value=${it.id} selected=${it.id === chosen}>${it.name}</option>`)}
      </select>
    </label>`;
  return html`
    <${FormDialog} title=${t("moveTo", personName(member))} verb=${t("yes")} ...${{ send, onClose, t }}>
      ${choice("world", t("world"), t("noWorldOption"), model.all("world", { run: run.id }), member.world)}
      ${choice("role", t("role"), t("noRole"), model.roles, member.role)}
    <//>`;
}

function Member({ member, onMove, t }) {
  return html`
    <span><${Online} member=${member} t=${t} /> ${personName(member)}
      ${onMove && html` <button class="small" onClick=${() => onMove(member)}>
        ${t("change")}<span class="hidden">: ${t("moveTo", personName(member))}</span></button>`}
    </span>`;
}

function World({ model, state: { world, period, members, last }, roles, view, onDecide, onMove, t, lang }) {
  const decided = (member, several) => {
    const decision = decisionBy(model, period, member, view);
    return html`
      <span class=${decision ? "line-of decided" : "line-of missing"}>
        ${several ? `${personName(member)}: ` : ""}
        ${decision ? saying(decision, view.decision, t, lang) || t("decided") : t("missing")}
        ${onDecide && html` <button class="small" onClick=${() => onDecide(period, member)}>
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
      <td class="people">${members.map((it) => html`<${Member} key=${it.id} member=${it} ...${{ onMove, t }} />`)}</td>
      <td>${period ? period.order : t("none")}${period?.data.closed ? ` (${t("roundClosed")})` : ""}</td>
      ${roles.map(cell)}
      <td>${last ? `${saying(outcomeOf(model, last, view), view.result, t, lang)} (${last.order})` : t("none")}</td>
    </tr>`;
}

/** All worlds as they are at this moment. */
function Grid({ model, worlds, roles, view, onDecide, onMove, t, lang }) {
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
          <${World} key=${it.world.id} ...${{ model, state: it, roles, view, onDecide, onMove, t, lang }} />`)}</tbody>
      </table>
    </div>`;
}

export function Leader({ model, view, seat, t, lang, offline }) {
  const [asking, setAsking] = useState(null);
  const [deciding, setDeciding] = useState(null);
  const [moving, setMoving] = useState(null);
  const [inviting, setInviting] = useState(false);
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
  const ask = (text, name, question, detail) => html`
    <button class=${name === "advance_phase" ? "" : "quiet"} disabled=${offline}
      onClick=${() => setAsking({ name, question, detail })}>${text}</button>`;
  const tab = (wanted, text) => html`
    <button class="quiet" aria-pressed=${comparing === wanted} onClick=${() => setComparing(wanted)}>${text}</button>`;
  return html`
    <article class="card wide">
      <h1>${run.name}</h1>
      <p>${t("leads", run.name)}</p>
      <${Phases} ...${{ model, run, t }} />
      <div class="acts">
        ${previous && ask(t("rollback", previous.name), "rollback_phase", t("confirmRollback", previous.name), "")}
        ${next ? ask(t("advance", next.name), "advance_phase", t("confirmAdvance", next.name), detail)
          : html`<span>${t("lastPhase")}</span>`}
        ${ask(t("stepRounds"), "step", t("confirmStep"), detail)}
        <button class="quiet" disabled=${offline} onClick=${() => act("close")}>${t("closeRounds")}</button>
        <button class="quiet" disabled=${offline} onClick=${() => act("reopen")}>${t("reopenRounds")}</button>
        <button class="quiet" disabled=${offline} onClick=${() => setInviting(true)}>${t("joinLink")}</button>
        <span class=${said.bad ? "message bad" : "message"} role="status">${said.text}</span>
      </div>
      ${inviting && html`<${JoinLink} ...${{ model, run, t }} onClose=${() => setInviting(false)} />`}
      ${moving && html`<${Move} ...${{ model, run, t }} member=${moving} onClose=${() => setMoving(null)} />`}
      ${asking && html`<${Confirm} ...${asking} t=${t}
        onYes=${() => act(asking.name)} onClose=${() => setAsking(null)} />`}
      ${deciding && html`<${DecideFor} ...${{ ...deciding, model, view, t, lang }}
        onClose=${() => setDeciding(null)} />`}
      <div class="acts" role="group" aria-label=${t("views")}>
        ${tab(false, t("live"))} ${tab(true, t("debrief"))}
      </div>
      ${comparing ? html`<${Debrief} ...${{ model, run, view, t, lang }} />`
        : html`<${Grid} ...${{ model, worlds, roles, view, t, lang }}
          onDecide=${offline || !canDecideFor(view) ? null : (period, member) => setDeciding({ period, member })}
          onMove=${offline ? null : setMoving} />`}
      ${!comparing && unseated.length > 0 && html`
        <h3>${t("unseated")}</h3>
        <p class="people">${unseated.map((it) => html`
          <${Member} key=${it.id} member=${it} onMove=${offline ? null : setMoving} t=${t} />`)}</p>`}
    </article>`;
}
