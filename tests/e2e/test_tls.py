"""TLS to the broker: what is accepted, what is refused, and that the refusal is said."""
import os
import unittest

from certificates import Authority
from harness import Case, Mosquitto, machine, tag, tcp_link
from peers import ModbusServer, Unit
from receiver import Receiver


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.server = ModbusServer(self, {1: Unit(holding={0: 5})})
        self.authority = Authority(os.path.join(self.directory, "ca"))

    def broker(self, certificate, *more):
        return Mosquitto(self, tls=[f"certfile {certificate[0]}", f"keyfile {certificate[1]}",
                                    "allow_anonymous true", *more])

    def connect(self, broker, host="localhost", ca=None, **uplink):
        config = self.config(
            links=[tcp_link("l", self.server.port)],
            machines=[machine("m", "l", [tag("a", "holding:0")])],
            uplinks=[{"name": "cloud", "url": f"mqtts://{host}:{broker.tls_port}",
                      "ca_file": ca or self.authority.path("ca.crt"), **uplink}])
        return self.gateway(config)

    def refused(self, gateway, broker, pattern):
        """It is said why, no session came to be, and no plaintext either."""
        gateway.wait_log(rf"(?i)uplink cloud: .*({pattern})")
        self.assertNotIn(" as gw (", broker.process.log())

    def test_a_good_certificate_is_accepted_by_name_and_by_address(self):
        broker = self.broker(self.authority.sign("broker"))
        receiver = Receiver(self, broker.port)
        for host in ("localhost", "127.0.0.1"):
            with self.subTest(host):
                gateway = self.connect(broker, host)
                gateway.wait_log("uplink cloud: connected")
                receiver.wait_reading()
                gateway.stop()

    def test_a_wrong_name_is_refused(self):
        broker = self.broker(self.authority.sign("other", "DNS:other.example"))
        self.refused(self.connect(broker), broker, "name|mismatch|verify")

    def test_a_wrong_address_is_refused(self):
        broker = self.broker(self.authority.sign("other", "DNS:localhost,IP:127.0.0.9"))
        self.refused(self.connect(broker, "127.0.0.1"), broker, "name|mismatch|verify|address")

    def test_an_unknown_authority_is_refused(self):
        broker = self.broker(self.authority.sign("broker"))
        stranger = Authority(os.path.join(self.directory, "stranger"), "stranger")
        self.refused(self.connect(broker, ca=stranger.path("ca.crt")), broker,
                     "certificate|issuer|verify")

    def test_an_expired_certificate_is_refused(self):
        broker = self.broker(self.authority.sign("expired", until="20210101000000Z"))
        self.refused(self.connect(broker), broker, "expired")

    def test_a_broker_without_tls_is_refused(self):
        broker = Mosquitto(self)
        broker.tls_port = broker.port
        self.refused(self.connect(broker), broker, "tls|ssl|closed|handshake|connect")

    def test_a_client_certificate_is_shown_where_it_is_demanded(self):
        broker = self.broker(self.authority.sign("broker"), "require_certificate true",
                             f"cafile {self.authority.path('ca.crt')}")
        receiver = Receiver(self, broker.port)
        bare = self.connect(broker)
        bare.wait_log("uplink cloud: .*next try")
        self.assertEqual(receiver.readings(), [])
        bare.stop()
        certificate, key = self.authority.sign("gw", "DNS:gw")
        self.connect(broker, cert_file=certificate, key_file=key).wait_log("uplink cloud: connected")
        receiver.wait_reading()


if __name__ == "__main__":
    unittest.main()
