# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates, made by openssl."""
from pathlib import Path

from ..network import run


class Authority:
    """Issues certificates into a folder: NAME.crt and NAME.key."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self._make_key("ca")
        self._openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=caprock-test-ca", "-days", "30", "-out", "ca.crt")

    def issue(self, name, subject, *extensions):
        self._make_key(name)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        (self.folder / f"{name}.ext").write_text("\n".join(extensions))
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                      "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def issue_client(self, name, subject):
        self.issue(name, subject, "extendedKeyUsage=clientAuth")

    def issue_server(self, name, subject, addresses, names):
        alternatives = [f"IP:{address}" for address in addresses] + [f"DNS:{one}" for one in names]
        self.issue(name, subject, "extendedKeyUsage=serverAuth", f"subjectAltName={','.join(alternatives)}")

    def make_signer(self, name):
        """The key pair that tokens are signed with: NAME.key and NAME.pub."""
        self._openssl("genrsa", "-out", f"{name}.key", "2048")
        self._openssl("rsa", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub")

    def _make_key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _openssl(self, *words):
        run("openssl", *words, cwd=self.folder)
