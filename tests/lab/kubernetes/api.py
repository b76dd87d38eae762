# SPDX-License-Identifier: Apache-2.0
"""Requests to an API server without kubectl: many in a short time."""
import http.client
import json
import ssl


class Api:
    """Requests to the API server over one connection, as an administrator."""

    def __init__(self, server):
        context = ssl.create_default_context(cafile=server.pki / "ca.crt")
        context.load_cert_chain(server.pki / "admin.crt", server.pki / "admin.key")
        self.place, self.connection = server.place, http.client.HTTPSConnection(server.address, server.port, context=context)

    def request(self, method, path, body=None, kind="application/json"):
        with self.place.entered():
            self.connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": kind})
            answer = self.connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status}: {text.decode()}")
        return json.loads(text)
