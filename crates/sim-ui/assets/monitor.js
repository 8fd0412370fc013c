// What the staff of the service see: how it is, what it does, one run in all detail, and a console.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { connect } from "/assets/connect.js";
import { Console } from "/assets/console.js";
import { Figures, Traffic, Vitals } from "/assets/figures.js";
import { Onlooker } from "/assets/onlooker.js";
import { Listing, moment } from "/assets/listing.js";

// How often the page asks, and over how many answers rates are taken.
const PAUSE = 2000;
const WINDOW = 6;

/** The last answers to the question how the service is, the newest at the end. */
function useStatus(setOffline, signedOut) {
  const [answers, setAnswers] = useState([]);
  useEffect(() => {
    let ended = false;
    let timer;
    const look = async () => {
      try {
        // Nobody looks at a page in the background.
        if (!document.hidden) {
          const { status: code, answer: status } = await ask("GET", "/monitor/status");
          if (ended) return;
          if (code === 401) return signedOut();
          if (code !== 200) throw new Error(status.error);
          const answer = { ...status, figures: new Figures(status.figures ?? "", status.at) };
          setAnswers((known) => (known.at(-1)?.at === status.at ? known : [...known, answer].slice(-WINDOW)));
          setOffline(false);
        }
      } catch {
        if (!ended) setOffline(true);
      }
      if (!ended) timer = setTimeout(look, PAUSE);
    };
    look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, []);
  return answers;
}

/** The person's own session in the realm, for the console. */
function useConnection(session, setOffline, signedOut) {
  const connection = useRef(null);
  useEffect(() => {
    connection.current = connect({
      realm: session.realm, ticket: "/session/ticket", onOpen: () => setOffline(false), setOffline, signedOut,
    });
    return () => connection.current.end();
  }, []);
  return (uri, args, kwargs) => connection.current.call(uri, args, kwargs);
}

function Readiness({ problems, t }) {
  return html`
    <div role="status" class="readiness">
      ${problems.length === 0 ? html`<p class="verdict good">${t("monReady")}</p>` : html`
        <p class="verdict bad">${t("monNotReady")}</p>
        <ul>${problems.map((it) => html`<li>${it}</li>`)}</ul>`}
    </div>`;
}

/** Who somebody is, as far as it is known. */
const who = ({ authid, email }) => (email ? `${authid} (${email})` : authid);

function Realm({ status: { sessions, registrations, subscriptions }, t }) {
  const list = (kind) => kind?.list ?? [];
  const total = (kind) => kind?.total ?? 0;
  return html`
    <${Listing} t=${t} title=${t("monSessions")} total=${total(sessions)}
      columns=${[t("monSession"), t("monWho"), t("role"), t("monBy"), t("monSince")]}
      rows=${list(sessions).map((it) =>
        [it.session, it.session, who(it), it.authrole, it.authmethod, moment(it.joined)])} />
    <${Listing} t=${t} title=${t("monRegistrations")} total=${total(registrations)} folded
      columns=${[t("monProcedure"), t("monMatch"), t("monCallees")]}
      rows=${list(registrations).map((it) => [it.id, it.uri, it.match, it.count])} />
    <${Listing} t=${t} title=${t("monSubscriptions")} total=${total(subscriptions)} folded
      columns=${[t("monTopic"), t("monMatch"), t("monSubscribers")]}
      rows=${list(subscriptions).map((it) => [it.id, it.uri, it.match, it.count])} />`;
}

function Runs({ games, chosen, onChoose, t }) {
  const rows = games.flatMap(({ slug, runs }) => runs.map((run) => [
    `${slug} ${run.id}`, `${slug} ${run.id}`, run.name, run.phase ?? t("noPhase"), run.worlds, run.members, run.online,
    html`<button class="quiet" aria-pressed=${chosen === run.id} onClick=${() => onChoose(run.id)}>
      ${t("monShow")}<span class="hidden"> ${t("monRun", run.id)}</span></button>`,
  ]));
  return html`
    <${Listing} t=${t} title=${t("monRuns")} total=${rows.length} rows=${rows}
      columns=${[t("monRunKey"), t("monName"), t("phase"), t("worlds"), t("monMembers"), t("online"), t("monTree")]} />`;
}

function Webhooks({ webhooks, t }) {
  if (webhooks === null) {
    return html`<h2>${t("monWebhooks")}</h2><p>${t("monElsewhere")}</p>`;
  }
  const state = ({ connected, erroring }) =>
    erroring ? html`<span class="missing">${t("monErroring")}</span>` : t(connected ? "monConnected" : "monNotYet");
  return html`
    <${Listing} t=${t} title=${t("monWebhooks")} total=${webhooks.length}
      columns=${[t("monEvent"), t("monHost"), t("monState"), t("monBehind")]}
      rows=${webhooks.map((it) => [it.id, it.event, it.host, state(it), it.behind])} />`;
}

function Failures({ failures, t }) {
  return html`
    <${Listing} t=${t} title=${t("monFailures")} total=${failures.length}
      columns=${[t("monWhen"), t("monWho"), t("monProcedure"), t("monError"), t("monText")]}
      rows=${failures.map((it) => [
        `${it.at} ${it.authid}`, moment(it.at), who(it), it.procedure, it.error, it.text])} />`;
}

function Monitor({ session, t, setOffline, signedOut }) {
  const answers = useStatus(setOffline, signedOut);
  const call = useConnection(session, setOffline, signedOut);
  const [run, setRun] = useState(null);
  const status = answers.at(-1);
  if (!status) return html`<p role="status">${t("loading")}</p>`;
  const span = { from: answers[0].figures, to: status.figures };
  return html`
    <article class="card wide">
      <h1>${t("monitor")}</h1>
      <${Readiness} problems=${status.problems} t=${t} />
      <${Vitals} ...${span} status=${status} t=${t} />
      <${Traffic} ...${span} t=${t} />
      <${Failures} failures=${status.failures} t=${t} />
    </article>
    <article class="card wide">
      <${Runs} games=${status.games} chosen=${run} onChoose=${setRun} t=${t} />
      ${run !== null && html`<${Onlooker} key=${run} run=${run} t=${t} />`}
    </article>
    <article class="card wide">
      <${Realm} status=${status} t=${t} />
      <${Webhooks} webhooks=${status.webhooks} t=${t} />
    </article>
    <article class="card wide">
      <${Console} call=${call} procedures=${(status.registrations?.list ?? []).map((it) => it.uri)} t=${t} />
    </article>`;
}

export function Page(props) {
  const { session, t } = props;
  if (!session.user.staff) return html`<p class="card">${t("staffOnly")}</p>`;
  return html`<${Monitor} ...${props} />`;
}
