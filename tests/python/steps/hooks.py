"""Webhook subscriptions, and an event that arrives."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .kit import GamesAPIClient, equal, keys, raises, refused

KEYS = {
    "id", "event", "url", "user", "connected", "erroring", "last_error", "last_error_status",
    "last_error_content", "created", "modified",
}

# How long an event may take until it has arrived, in seconds.
DEADLINE = 20


class Receiver:
    """A subscriber: a server that keeps the events it gets."""

    def __enter__(self):
        events = self.events = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802, the name is given by the base class
                body = self.rfile.read(int(self.headers["Content-Length"]))
                events.put((self.headers["Content-Type"], json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                """Says nothing: what arrives is checked by the steps."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self):
        """Where events are to be sent."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/callback"


def a_subscription_is_registered_twice(tour):
    """registering a subscription again answers the one that is there"""
    wanted = {"event": "no-such-game.*", "url": "http://model.backend:8080/callback"}
    hook = tour.staff.hooks.create(wanted)
    equal(set(hook.payload), KEYS)
    equal((hook.event, hook.url, hook.connected), (*wanted.values(), False))
    equal(hook.user, tour.staff.users.get(email="simpl@simpl.world").id)
    again = tour.staff.hooks.create(wanted)
    equal((again.id, again.response.status_code), (hook.id, 201))
    equal(keys(tour.staff.hooks.all()), [hook.id])
    tour.made.hook = hook.id


def a_subscription_is_changed_and_deleted(tour):
    """a subscription is changed, refused and deleted"""
    hook = tour.staff.hooks.get(id=tour.made.hook)
    hook.event = "user.*"
    hook.save()
    equal(tour.staff.hooks.get(id=hook.id).event, "user.*")
    hook.url = "not an address"
    equal(refused(hook.save), {"url": ["Enter a valid URL."]})
    equal(tour.staff.hooks.delete(hook.id), None)
    raises(GamesAPIClient.ResourceNotFound, tour.staff.hooks.get, id=hook.id)


def an_event_arrives(tour):
    """a change is told to its subscriber, with the row as it is"""
    with Receiver() as receiver:
        hook = tour.staff.hooks.create({"event": "tour-game.*", "url": receiver.url})
        decision = {"period": tour.made.period, "name": "told", "data": {"operand": 3}}
        row = tour.staff.decisions.create(decision)
        row.delete()
        for action in ("created", "deleted"):
            media_type, event = receiver.events.get(timeout=DEADLINE)
            equal(media_type, "application/json")
            equal(event["event"], f"tour-game.decision.{action}")
            equal(event["data"], row.payload)
        hook.delete()


STEPS = [
    a_subscription_is_registered_twice,
    a_subscription_is_changed_and_deleted,
    an_event_arrives,
]
