// How a player decides, or whoever does it in the player's place.

import { html, useLayoutEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { decisionBy, outcomeOf } from "/assets/decisions.js";
import { deciders, fault, faultyFields, label, rounds, shown } from "/assets/parts.js";

/** What a game is asked for whose module says nothing of decisions. */
const SUBMIT = { procedure: "submit_decision" };

const asked = (view) => ({ ...SUBMIT, ...view.decision });

/** The phases in which players decide: those that the game names, or else Play where there is one. */
function decisionPhases(model, view) {
  if (view.decision?.phases) return view.decision.phases;
  return model.phases.some((it) => it.name === "Play") ? ["Play"] : null;
}

/** Where a seat is: its world, round and phase, and who has decided; null while its run sleeps. */
export function situation(model, view, seat) {
  const me = model.get("runuser", seat.runuser);
  const run = model.get("run", seat.run);
  if (!me || !run?.active) return null;
  const world = me.world === null ? null : model.get("world", me.world);
  const role = me.role === null ? null : model.role(me.role);
  const phase = model.phases.find((it) => it.id === run.phase);
  const alone = !world || (view.decision?.alone ?? []).includes(phase?.name);
  const scenario = model.all("scenario", alone ? { runuser: me.id } : { world: world.id })[0];
  const periods = rounds(model, scenario);
  const period = periods.at(-1);
  const team = world ? deciders(model, world.id) : [me];
  const members = alone ? [me] : team;
  const missing = period
    ? members.filter((it) => it.id !== me.id && !decisionBy(model, period, it, view)) : [];
  // In a world only those decide who have a role; who plays alone needs none.
  const decides = role || !world;
  const own = period && decides && decisionBy(model, period, me, view);
  const deciding = decisionPhases(model, view);
  const playing = deciding === null || deciding.includes(phase?.name);
  return {
    me, run, world, role, team, scenario, periods, period, members, missing, decides, own, deciding, playing,
  };
}

/** Whether it is for a seat to decide now. */
export function isDue({ period, decides, own, playing }) {
  return playing && decides && period && !period.data.closed && !own;
}

/**
 * Sends a decision: a value, or the arguments by name. Gives the text by which the game has refused
 * it, if it has.
 */
export async function decideOn(model, { scenario, period }, view, value, procedure) {
  const decision = asked(view);
  const [resource, { id }] = decision.scope === "scenario" ? ["scenario", scenario] : ["period", period];
  const [args, kwargs] = typeof value === "object" ? [[], value] : [[value], {}];
  const answer = await model.call(resource, id, procedure ?? decision.procedure, args, kwargs);
  return answer === "ok" || typeof answer !== "string" ? null : answer;
}

/** The fields of the form; a decision of one value has a field without a name. */
function fieldsOf({ fields, actions, field, label }) {
  return fields ?? (actions ? [] : [{ name: "", from: field, label, type: "number" }]);
}

/** Whether a leader can decide for players by the engine's `submit_for`: it is on rounds only. */
export function canDecideFor(view) {
  const decision = asked(view);
  return decision.procedure === SUBMIT.procedure && decision.scope !== "scenario" && fieldsOf(decision).length > 0;
}

/** What stands in the form at first: what was decided, if anything was. */
export function initial(own, view) {
  return Object.fromEntries(fieldsOf(asked(view)).map((it) => [it.name, shown(own, it.name || it.from)]));
}

/** What was typed, as it is sent. */
export function typed(values, view) {
  const fields = fieldsOf(asked(view));
  if (fields[0]?.name === "") return values[""];
  return Object.fromEntries(fields.map(({ name, type, choices }) => {
    const text = values[name];
    if (type === "choice") return [name, choices.find((it) => String(it.value) === text)?.value ?? text];
    const number = type === "number" && text.trim() !== "" ? Number(text) : NaN;
    // What is no number is sent as it is: the game says what it thinks of it.
    return [name, Number.isFinite(number) ? number : text];
  }));
}

/** The inputs of a decision. */
export function Fields({ view, values, name, said, isBad, onInput, t, lang }) {
  const described = { "aria-describedby": said };
  return fieldsOf(asked(view)).map((field) => {
    const { name: key, type, choices } = field;
    const value = values[key];
    const typed = (event) => onInput(key, event.target.value);
    const text = label(field.label, lang, name) ?? (key || (name ?? t("value")));
    if (type === "choice") {
      return html`
        <label key=${key}>${text}
          <select required onChange=${typed} aria-invalid=${isBad(key)} ...${described}>
            <option value="" selected=${value === ""}>${t("choose")}</option>
            ${choices.map((it) => html`
              <option value=${it.value} selected=${String(it.value) === value}>${label(it.label, lang) ?? it.value}</option>`)}
          </select>
        </label>`;
    }
    return html`
      <label key=${key}>${text}
        <input type="text" inputmode=${type === "number" ? "decimal" : "text"} autocomplete="off" required
          value=${value} onInput=${typed} aria-invalid=${isBad(key)} ...${described} />
      </label>`;
  });
}

/** The form in which a player decides. What it says comes from the service, when it has answered. */
export function Decide({ model, at, view, t, lang, offline }) {
  const { me, period, own, role } = at;
  const { actions } = asked(view);
  const [values, setValues] = useState(() => initial(own, view));
  const [state, setState] = useState({ text: "", bad: false, fields: {} });
  const [busy, setBusy] = useState(false);
  const round = useRef(period.id);
  // The next round begins empty, before anybody can type; what was said of the last one stays.
  useLayoutEffect(() => {
    if (round.current !== period.id) setValues(initial(own, view));
    round.current = period.id;
  }, [period.id]);
  const send = async (value, procedure) => {
    setBusy(true);
    setState({ text: t("submitting"), bad: false, fields: {} });
    try {
      const refused = await decideOn(model, at, view, value, procedure);
      setState({ text: refused ?? t(procedure ? "done" : "saved"), bad: refused !== null, fields: {} });
    } catch (error) {
      setState({ text: fault(error, t), bad: true, fields: faultyFields(error) });
    } finally {
      setBusy(false);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    send(typed(values, view));
  };
  const input = (name, value) => {
    setValues({ ...values, [name]: value });
    setState({ text: "", bad: false, fields: {} });
  };
  // Where the game does not say which field is wrong, all are.
  const isBad = (name) => state.bad && (Object.keys(state.fields).length === 0 || name in state.fields);
  const said = `said-${me.id}-${period.id}`;
  return html`
    ${fieldsOf(asked(view)).length > 0 && html`
      <form onSubmit=${submit}>
        <${Fields} ...${{ view, values, said, isBad, t, lang }} name=${role?.name} onInput=${input} />
        <button disabled=${busy || offline}>${t("submit")}</button>
      </form>`}
    ${actions && html`
      <div class="choice" role="group" aria-label=${t("actions")}>${actions.map((it) => html`
        <button class=${it.procedure ? "quiet" : ""} disabled=${busy || offline}
          onClick=${() => send(it.arguments ?? {}, it.procedure)}>${label(it.label, lang)}</button>`)}</div>`}
    <p id=${said} class=${state.bad ? "message bad" : "message"} role="status">${state.text}</p>`;
}

/** Something to decide on, for a seat that plays by itself. */
export function example(model, view, { role, periods }) {
  const { example, fields, actions } = asked(view);
  const whole = () => 1 + Math.floor(Math.random() * 20);
  const any = (list) => list[Math.floor(Math.random() * list.length)];
  const last = periods.findLast((it) => outcomeOf(model, it, view));
  const given = example?.(role?.name, Math.random, last && outcomeOf(model, last, view).data);
  if (given !== undefined) return given;
  if (actions) return any(actions.filter((it) => !it.procedure)).arguments ?? {};
  if (!fields) return whole();
  return Object.fromEntries(fields.map((field) => {
    const own = typeof field.example === "function" ? field.example(role?.name, Math.random) : field.example;
    const free = field.type === "choice" ? any(field.choices).value : whole();
    return [field.name, own ?? (field.type === "text" ? String(free) : free)];
  }));
}
