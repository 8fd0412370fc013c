// How a player decides, or whoever does it in the player's place.

import { html, useLayoutEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { decisionOf, deciders, fault, label, rounds, shown } from "/assets/parts.js";

/** What a game is asked for whose module says nothing of decisions. */
const DECISION = { procedure: "submit_decision" };

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
  return { me, run, world, role, periods, period, members, missing, decides, own, deciding, playing };
}

/** Whether it is for a seat to decide now. */
export function isDue({ period, decides, own, playing }) {
  return playing && decides && period && !period.data.closed && !own;
}

/** Sends a decision; gives the text by which the game has refused it, if it has. */
export async function decideOn(model, period, view, value) {
  const { procedure } = view.decision ?? DECISION;
  const answer = await model.call("period", period.id, procedure, [value]);
  return answer === "ok" || typeof answer !== "string" ? null : answer;
}

/** Something to decide on, for whoever only wants to see rounds go by. */
export function example(view, role) {
  return view.decision?.example?.(role?.name, Math.random) ?? 1 + Math.floor(Math.random() * 20);
}

/** The form in which a player decides. What it says comes from the service, when it has answered. */
export function Decide({ model, at: { me, period, own, role }, view, t, lang, offline }) {
  const decision = view.decision ?? DECISION;
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
      const refused = await decideOn(model, period, view, value);
      setState(refused ? { text: refused, bad: true } : { text: t("saved"), bad: false });
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
          onInput=${typed} aria-invalid=${state.bad} aria-describedby="said-${me.id}-${period.id}" />
      </label>
      <button disabled=${busy || offline}>${t("submit")}</button>
      <p id="said-${me.id}-${period.id}" class=${state.bad ? "message bad" : "message"} role="status">${state.text}</p>
    </form>`;
}
