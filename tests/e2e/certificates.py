"""Certificates for TLS tests, made by openssl: an authority of our own and what it signs."""
import os
import subprocess

CONFIGURATION = """
[ca]
default_ca = here
[here]
dir = .
database = index.txt
new_certs_dir = .
default_md = sha256
policy = anything
rand_serial = yes
unique_subject = no
copy_extensions = copy
[anything]
commonName = supplied
"""


class Authority:
    """Makes `name`.crt and `name`.key in a directory; ca.crt is its own."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        os.makedirs(directory, exist_ok=True)
        with open(self.path("ca.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        with open(self.path("index.txt"), "w", encoding="utf-8"):
            pass
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "3650", "-subj", f"/CN=bindery test {name}",
                      "-keyout", "ca.key", "-out", "ca.crt")

    def path(self, name):
        return os.path.join(self.directory, name)

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise AssertionError(f"openssl {arguments[0]}: {done.stderr}")

    def sign(self, name, alternative="DNS:localhost,IP:127.0.0.1", until="20991231235959Z"):
        """(certificate, key); `until` in the past makes an expired one."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.crt",
                      "-keyfile", "ca.key", "-startdate", "20200101000000Z", "-enddate", until,
                      "-in", f"{name}.csr", "-out", f"{name}.crt")
        return self.path(f"{name}.crt"), self.path(f"{name}.key")
