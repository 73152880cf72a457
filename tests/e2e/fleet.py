"""Many machines of `bindery simulate`, a link each, and the gateway's configuration for them."""
import json
import os

from harness import free_ports, machine, port_open, tag, tcp_link, wait_for


class Fleet:
    def __init__(self, test, count, registers=10, every="1s"):
        self.test, self.ports = test, free_ports(count)
        self.names = [f"m{n:03}" for n in range(count)]
        tags = [tag(f"r{n}", f"holding:{n}") for n in range(registers)]
        self.links = [tcp_link(f"l{name}", port) for name, port in zip(self.names, self.ports)]
        self.machines = [machine(name, f"l{name}", tags, every=every) for name in self.names]
        self.simulator = None

    def start(self, **environment):
        """Its own configuration file, so that the gateway's may change."""
        path = os.path.join(self.test.directory, "fleet.yaml")
        config = self.test.config(1, self.links, self.machines)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.simulator = self.test.simulate(path, self.ports[-1:])
        for port in self.ports:
            wait_for(lambda p=port: port_open(p), 30, f"the simulator on port {port}")
        return self

    def config(self, broker_port, **options):
        return self.test.config(broker_port, self.links, self.machines, **options)
