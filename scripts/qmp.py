"""Talks to one QEMU over its machine protocol (QMP): events, registers, guest memory, guest time."""

import calendar
import json
import re
import socket


class Qmp:
    """The runner listens, QEMU calls. Nothing here raises when QEMU goes away: answers are None then."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(0)
        self.connection = None
        self.received = b""
        self.events = []

    def _connect(self):
        if self.connection is None and self.listener is not None:
            try:
                self.connection, _ = self.listener.accept()
            except BlockingIOError:
                return False
            self.listener.close()
            self.listener = None
            self._request("qmp_capabilities")
        return self.connection is not None

    def close(self):
        for open_socket in (self.connection, self.listener):
            if open_socket is not None:
                open_socket.close()
        self.connection = self.listener = None

    def _read_line(self, seconds):
        while b"\n" not in self.received:
            self.connection.settimeout(seconds)
            data = self.connection.recv(65536)
            if not data:
                raise ConnectionError
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message

    def _request(self, command, **arguments):
        try:
            request = {"execute": command, "arguments": arguments}
            self.connection.sendall(json.dumps(request).encode() + b"\n")
            while True:
                message = self._read_line(20)
                if "return" in message:
                    return message["return"]
                if "error" in message:
                    return None
        except (OSError, ValueError):
            return None

    def request(self, command, **arguments):
        return self._request(command, **arguments) if self._connect() else None

    def poll_events(self):
        """The events since the last call, each as (name, data)."""
        if self._connect():
            try:
                while True:
                    self._read_line(0.001)
            except (OSError, ValueError):
                pass
        events, self.events = self.events, []
        return [(event["event"], event.get("data", {})) for event in events]

    def monitor(self, line, cpu=0):
        answer = self.request("human-monitor-command", **{"command-line": line, "cpu-index": cpu})
        return answer or ""

    def guest_seconds(self):
        """The guest's own time: it stands still with the guest, and jumps where the guest sleeps."""
        clock = self.request("qom-get", path="/machine", property="rtc-time")
        if clock is None:
            return None
        return calendar.timegm(
            (clock["tm_year"] + 1900, clock["tm_mon"] + 1, clock["tm_mday"],
             clock["tm_hour"], clock["tm_min"], clock["tm_sec"])
        )

    def registers(self):
        """One dictionary for each CPU: RIP, RSP, RBP, CR2, CR3 and CS as numbers."""
        cpus = []
        for part in self.monitor("info registers -a").split("CPU#")[1:]:
            found = re.findall(r"\b([A-Z0-9]{3})=([0-9a-f]+)", part)
            # before long mode the names are EIP, ESP, EBP
            values = {re.sub("^E", "R", name): int(value, 16) for name, value in found}
            selector = re.search(r"CS =([0-9a-f]{4})", part)
            values["CS"] = int(selector.group(1), 16) if selector else 0
            values["is_halted"] = "HLT=1" in part
            cpus.append(values)
        return cpus

    def read_words(self, address, count, cpu):
        """64-bit words of guest memory as that CPU sees it, as many as there are."""
        words = []
        for line in self.monitor(f"x /{count}gx 0x{address:x}", cpu).splitlines():
            words += [int(word, 16) for word in re.findall(r"0x([0-9a-f]{16})", line.partition(":")[2])]
        return words
