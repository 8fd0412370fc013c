// All seats of a world side by side, for whoever writes a game or tries one.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { Bots } from "/assets/bots.js";
import { saying } from "/assets/decisions.js";
import { Seat, useTable } from "/assets/seats.js";

/** How many seats are shown before somebody asks for more: each has a connection of its own. */
const SHOWN = 12;

/** The times between two decisions that can be chosen, in seconds. */
const PACES = [0.2, 0.5, 1, 2, 5, 10];

/** The seats that the service has: those of all games. */
function useBench(t, signedOut) {
  const [games, setGames] = useState(null);
  const [error, setError] = useState(null);
  const load = async () => {
    try {
      const { status, answer } = await ask("GET", "/bench/seats");
      if (status === 401) return signedOut();
      setError(status === 200 ? null : answer.error);
      if (status === 200) setGames(answer);
    } catch {
      setError(t("offline"));
    }
  };
  useEffect(() => {
    load();
  }, []);
  return { games, error, load };
}

/** What is chosen; it lies in the address, so that it outlives a reload. */
function useChoice() {
  const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const [choice, setChoice] = useState(read);
  const choose = (wanted) => {
    history.replaceState(null, "", `#${new URLSearchParams(wanted)}`);
    setChoice(wanted);
  };
  return [choice, choose];
}

/** The game, run, world and members of a choice; what is not there any more gives way. */
function chosen(games, { game: slug, run: runKey, world: worldKey }) {
  const game = games.find((it) => it.slug === slug) ?? games.find((it) => it.runs.length > 0) ?? games[0];
  const run = game?.runs.find((it) => String(it.id) === runKey) ?? game?.runs[0];
  if (!run) return { game, run, worlds: [], players: [], leaders: [] };
  const players = run.members.filter((it) => !it.leader);
  const alone = players.some((it) => it.world === null);
  const worlds = [...run.worlds, ...alone ? [{ id: null, name: null }] : []];
  const world = worlds.find((it) => String(it.id) === worldKey)
    ?? worlds.find((it) => players.some(({ world }) => world === it.id)) ?? worlds[0];
  return {
    game, run, worlds, world,
    players: players.filter((it) => it.world === world?.id),
    leaders: run.members.filter((it) => it.leader),
  };
}

function Choose({ name, text, options, value, onChoose }) {
  return html`
    <label class="inline">${text}
      <select name=${name} value=${String(value)} onChange=${(event) => onChoose(event.target.value)}>
        ${options.map(([key, label]) => html`<option value=${String(key)}>${label}</option>`)}
      </select>
    </label>`;
}

/** What somebody sees, over a connection of that person's own. */
function Connected({ game, run, member, bots, plays, onSaid, realm, setOffline, signedOut, t, lang }) {
  const [offline, setLost] = useState(false);
  const { runuser } = member;
  const { error, seats } = useTable({
    realm,
    ticket: `/bench/seats/${runuser}/ticket`,
    load: (table) => table.sit([{ ...game, seats: [{ run: run.id, runuser }] }]),
    onChange: () => bots.wake(),
    setOffline: (lost) => {
      setLost(lost);
      setOffline(runuser, lost);
    },
    signedOut,
  });
  useEffect(() => () => setOffline(runuser, false), []);
  const { model, view, seat } = seats?.[0] ?? {};
  useEffect(() => {
    if (!plays || !seat) return undefined;
    bots.add(runuser, { model, view, seat, onSaid });
    return () => bots.remove(runuser);
  }, [plays, !seat]);
  if (error) return html`<p class="card message bad" role="alert">${error}</p>`;
  if (!seats) return html`<p role="status">${t("loading")}</p>`;
  if (!seat) return html`<p class="card">${t("runAsleep")}</p>`;
  return html`<${Seat} ...${{ model, view, seat, t, lang, offline }} />`;
}

/** What a seat has done that plays by itself. */
function botSays({ view, value, refused }, t, lang) {
  const data = typeof value === "object" ? value : { [view.decision?.field ?? "value"]: value };
  return refused ?? t("botDecided", saying({ data }, view.decision, t, lang));
}

/** A player's seat, with the switch that lets it play by itself. */
function PlayerSeat({ member, plays, onPlays, t, ...rest }) {
  const [heard, setHeard] = useState(null);
  useEffect(() => {
    if (!plays) setHeard(null);
  }, [plays]);
  const title = member.role ? `${member.name} (${member.role})` : member.name;
  return html`
    <section class="seat-of" aria-label=${title}>
      <h2>${title}</h2>
      <div class="acts">
        <label class="inline check">
          <input type="checkbox" checked=${plays} onChange=${(event) => onPlays(event.target.checked)} />
          ${t("playsItself")}<span class="hidden">: ${title}</span>
        </label>
        <span class="said">${heard ? botSays(heard, t, rest.lang) : ""}</span>
      </div>
      <${Connected} ...${{ ...rest, member, plays, t }} onSaid=${setHeard} />
    </section>`;
}

/** A leader's seat: nobody sits there until somebody opens it. */
function LeaderSeat({ member, t, ...rest }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="wide" onToggle=${(event) => setOpen(event.target.open)}>
      <summary>${t("leaderSeat", member.name)}</summary>
      ${open && html`<${Connected} ...${{ ...rest, member, t }} />`}
    </details>`;
}

/** The seats of a world; another choice makes other ones. */
function World({ players, leaders, t, ...rest }) {
  const [playing, setPlaying] = useState(() => new Set());
  const [pace, setPace] = useState(1);
  const [most, setMost] = useState(SHOWN);
  const bots = useRef(null);
  bots.current ??= new Bots();
  useEffect(() => bots.current.setPace(pace * 1000), [pace]);
  useEffect(() => () => bots.current.stop(), []);
  const shown = players.slice(0, most);
  const set = (members, plays) => {
    const others = [...playing].filter((it) => !members.some(({ runuser }) => runuser === it));
    setPlaying(new Set([...others, ...plays ? members.map((it) => it.runuser) : []]));
  };
  const all = shown.length > 0 && shown.every((it) => playing.has(it.runuser));
  const common = { ...rest, bots: bots.current, t };
  return html`
    <div class="acts card wide">
      <label class="inline check">
        <input type="checkbox" checked=${all} onChange=${(event) => set(shown, event.target.checked)} />
        ${t("allPlay")}
      </label>
      <${Choose} name="pace" text=${t("pace")} value=${pace} onChoose=${(value) => setPace(Number(value))}
        options=${PACES.map((it) => [it, t("seconds", it)])} />
    </div>
    <div class="seats">
      ${shown.map((member) => html`
        <${PlayerSeat} key=${member.runuser} ...${{ ...common, member }} plays=${playing.has(member.runuser)}
          onPlays=${(plays) => set([member], plays)} />`)}
    </div>
    ${players.length > most && html`
      <button class="quiet" onClick=${() => setMost(most + SHOWN)}>${t("moreSeats", players.length - most)}</button>`}
    ${leaders.map((member) => html`<${LeaderSeat} key=${member.runuser} ...${{ ...common, member }} />`)}`;
}

export function Page(props) {
  const { session, t } = props;
  return session.user.staff ? html`<${Bench} ...${props} />` : html`<p class="card">${t("staffOnly")}</p>`;
}

function Bench({ session, t, lang, setOffline, signedOut }) {
  const { games, error, load } = useBench(t, signedOut);
  const [choice, choose] = useChoice();
  const lost = useRef(new Set());
  const message = html`<p class="message bad" role="alert">${error}</p>`;
  if (!games) return error ? message : html`<p role="status">${t("loading")}</p>`;
  const { game, run, worlds, world, players, leaders } = chosen(games, choice);
  const setLost = (runuser, is) => {
    if (is) lost.current.add(runuser);
    else lost.current.delete(runuser);
    setOffline(lost.current.size > 0);
  };
  return html`
    <section class="card wide">
      <h1>${t("bench")}</h1>
      <p>${t("benchHow")}</p>
      <div class="acts">
        <${Choose} name="game" text=${t("game")} value=${game?.slug} onChoose=${(slug) => choose({ game: slug })}
          options=${games.map((it) => [it.slug, it.slug])} />
        ${run && html`
          <${Choose} name="run" text=${t("run")} value=${run.id}
            onChoose=${(key) => choose({ game: game.slug, run: key })}
            options=${game.runs.map((it) => [it.id, it.name])} />
          <${Choose} name="world" text=${t("world")} value=${world?.id}
            onChoose=${(key) => choose({ game: game.slug, run: String(run.id), world: key })}
            options=${worlds.map((it) => [it.id, it.name ?? t("unseated")])} />`}
        <button class="quiet" onClick=${load}>${t("loadSeats")}</button>
      </div>
      ${error && message}
      ${!run && html`<p>${t("noRuns")}</p>`}
      ${run && players.length === 0 && html`<p>${t("noPlayers")}</p>`}
    </section>
    ${run && html`
      <${World} key=${`${game.slug} ${run.id} ${world?.id}`} realm=${session.realm} setOffline=${setLost}
        ...${{ game, run, players, leaders, signedOut, t, lang }} />`}`;
}
