# SPDX-License-Identifier: Apache-2.0
"""Events of the operating system in an agent's record."""
from .harness import SystemTest
from .readers import journal_entries


class OsTest(SystemTest):
    turn = "events"  # of one such test are in the record of another

    def setUp(self):
        super().setUp()
        self.pair = self.make_pair()

    def record(self, **settings):
        """An agent that tells a test's drops even while another test floods this host with what nobody wants."""
        return self.recorder_of(self.pair, **{"agent__os__enabled": "true", "agent__os__limits": "[drop=20000]", **settings})

    def entries(self, agent, **fields):
        """Entries of the record so far that have these fields."""
        return [entry for entry in journal_entries(self.export(agent))
                if all(entry.get(name) == str(value) for name, value in fields.items())]

    def entry(self, agent, **fields):
        found = self.entries(agent, **fields)
        self.assertEqual(len(found), 1, f"{fields}: {found}")
        return found[0]

    def events_of(self, agent, name):
        return next(event for event in agent.status()["events"] if event["name"] == name)

    def need(self, agent, *names):
        for name in names:
            event = self.events_of(agent, name)
            if not event["hook"]:
                self.skipTest(f"{name}: {event['note']}")
