# SPDX-License-Identifier: BSD-2-Clause
"""The machines that Salto runs on: QEMU, and Bochs for what QEMU does not model."""
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import tempfile

from salto import iso
from salto.console import Failure

POWER_OFF = re.compile(r"^salto: power off, status (\d+)\s*$", re.MULTILINE)
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
DEBUG_EXIT_PORT = 0xf4


@dataclasses.dataclass
class Options:
    """One machine and what it boots."""
    kernel: str
    archive: str
    boot: str = "pvh" # pvh: QEMU loads the kernel itself; bios, uefi: through GRUB; bochs: through GRUB in Bochs
    cpu: str = "max" # a model of QEMU's or Bochs'; max: all that QEMU can do, Bochs' Haswell
    smp: int = 1
    memory: str = "512M"
    icount: bool = False # the clock counts instructions: the same archive and seed run the same way, each time
    leap: bool = False   # where icount is on: idle time passes at once, and not as fast as the host's
    seed: int = 0        # of QEMU's own random numbers (RDRAND), where icount is on
    command_line: str = ""
    debug_exit: bool = False
    plugin: str = "" # as -plugin takes it
    devices: tuple = () # more of them, each as QEMU's -device takes it
    line: str = ""   # where QEMU's second serial line leads, as its -serial says it; without one there is no device
    image: str = ""  # an existing image, for bios and uefi; made on demand where empty


@dataclasses.dataclass
class Outcome:
    """What a machine printed, and how it ended."""
    serial: str
    debug: str
    code: int
    timed_out: bool

    def status(self):
        """The status that the kernel printed when it powered off; None if it did not."""
        found = POWER_OFF.findall(self.serial)
        return int(found[-1]) if found else None


def qemu_command(options, work):
    """QEMU's command line, but for serial line and debug port. `work` takes images and firmware variables."""
    command = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", options.memory, "-smp", str(options.smp),
               "-cpu", options.cpu, "-display", "none", "-nic", "none", "-no-reboot"]
    if options.icount:
        command += ["-icount", "shift=0,sleep=off" if options.leap else "shift=0", "-seed", str(options.seed)]
    if options.debug_exit:
        command += ["-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"]
    if options.plugin:
        command += ["-plugin", options.plugin]
    for device in options.devices:
        command += ["-device", device]
    if options.boot == "pvh":
        return [*command, "-kernel", options.kernel, "-initrd", options.archive, "-append", options.command_line]
    if options.boot == "uefi":
        variables = os.path.join(work, "uefi-variables.fd")
        shutil.copyfile(OVMF_VARIABLES, variables)
        command += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
                    "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
    return [*command, "-cdrom", image(options, work), "-boot", "d"]


def second_line(options):
    """QEMU's words for the second serial line, behind those for the first one."""
    return ["-serial", options.line] if options.line else []


def image(options, work):
    if options.image:
        return options.image
    path = os.path.join(work, "salto.iso")
    iso.make(path, options.kernel, options.archive, options.command_line)
    return path


BOCHS_CPU = "corei7_haswell_4770"
BOCHS_CONFIGURATION = """megs: 512
cpu: model={cpu}, ips=50000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
port_e9_hack: enabled=1
log: {log}
panic: action=fatal
error: action=report
info: action=report
display_library: rfb, options="timeout=0"
"""


def bochs_command(options, work):
    """Bochs' command line. Debian builds it with its debugger, which must be told to continue; powering off is a panic
    to Bochs, and ends it. The debug port goes to standard output."""
    configuration, commands = os.path.join(work, "bochsrc"), os.path.join(work, "commands")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(BOCHS_CONFIGURATION.format(cpu=BOCHS_CPU if options.cpu == "max" else options.cpu,
                                              image=image(options, work), serial=os.path.join(work, "serial"),
                                              log=os.path.join(work, "log")))
    with open(commands, "w", encoding="utf-8") as file:
        file.write("c\n")
    return ["bochs", "-q", "-f", configuration, "-rc", commands]


@contextlib.contextmanager
def started(command, **settings):
    """The process of a machine, which ends with this context at the latest, or with whoever started it: a test that
    takes too long is killed, and must not leave machines behind that run for ever. Whoever is killed in the moment in
    which it is started leaves it behind all the same."""
    if not shutil.which(command[0]):
        raise Failure(f"{command[0]} is not installed; ./run without --build installs it")
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command], **settings) as process:
        try:
            yield process
        finally:
            process.kill()


def run(options, timeout):
    """Runs the machine until it ends, or for `timeout` seconds; answers its Outcome."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        serial, debug, messages = (os.path.join(work, name) for name in ("serial", "debug", "messages"))
        if options.boot == "bochs":
            command = bochs_command(options, work)
        else:
            command = [*qemu_command(options, work), "-monitor", "none", "-serial", f"file:{serial}",
                       *second_line(options), "-debugcon", f"file:{debug}"]
        code, timed_out = run_until(command, timeout, debug if options.boot == "bochs" else messages, messages)
        outcome = Outcome(read(serial), read(debug), code, timed_out)
        if not outcome.serial and not timed_out and code not in (0, 1):
            outcome.serial = read(messages)
        return outcome


def run_until(command, timeout, output, errors):
    """Runs a command in a process group of its own, so that it ends with all that it started; (code, timed out?)."""
    # Meson has malloc() fill memory with rubbish, and Debian's Bochs reads some before it writes it, and crashes.
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_PERTURB_"}
    with open(output, "wb") as output_file, open(errors, "ab") as errors_file:
        with started(command, stdin=subprocess.DEVNULL, stdout=output_file, stderr=errors_file,
                     start_new_session=True, env=environment) as process:
            try:
                return process.wait(timeout), False
            except subprocess.TimeoutExpired:
                return -1, True
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def read(path):
    if not os.path.isfile(path):
        return ""
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace").replace("\r\n", "\n")
