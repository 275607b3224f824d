"""Try a class: a real JupyterHub on this machine, and students who run a lesson all at once.

Each student has a server and a kernel of their own, behind JupyterHub and its proxy on loopback.
A student's browser is played by this program: it asks the hub for a server, opens JupyterLab's page
and the lesson, starts a kernel and sends it the lesson's code cells over a websocket, one by one.
The page docs/hub/workshop_hub.md says how to make the environment for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from local_hub import Hub

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from unet_course.memory import MemoryWatch  # noqa: E402  (the clone's own)


@dataclass
class Student:
    """What one student met; times in seconds."""

    name: str
    started: float = 0.0  # from asking for a server until it answers
    opened: float = 0.0  # JupyterLab's page and the lesson's file
    ran: float = 0.0  # from the first cell sent to the last answer
    cells: int = 0
    memory_gb: float = 0.0
    trouble: str = ""
    watch: MemoryWatch | None = field(default=None, repr=False)


class Lesson:
    """The code cells of a notebook."""

    def __init__(self, path: Path):
        self.path = path
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        self.sources = [source for cell in cells if (source := "".join(cell["source"])).strip()]


# --- a student -----------------------------------------------------------------------------------


async def attend(student: Student, web: aiohttp.ClientSession, hub: Hub, lesson: Lesson) -> None:
    """Start a server, open the lesson, run it; whatever goes wrong is noted, not raised."""
    try:
        home = hub.folder / "home" / student.name / "notebooks"
        home.mkdir(parents=True)  # on a hub nbgitpuller does this
        shutil.copy(lesson.path, home)
        begin = time.perf_counter()
        await _server(student, web, hub)
        student.started = time.perf_counter() - begin
        student.watch = MemoryWatch(_process_of(student, hub).pid, every=1.0).__enter__()
        server = f"{hub.url}/user/{student.name}"
        begin = time.perf_counter()
        for page in ("lab", f"api/contents/notebooks/{lesson.path.name}"):
            async with web.get(f"{server}/{page}") as answer:
                answer.raise_for_status()
                await answer.read()
        student.opened = time.perf_counter() - begin
        await _run(student, web, server, lesson)
    except Exception as error:
        student.trouble = f"{type(error).__name__}: {error}"
    finally:
        if student.watch:
            student.watch.__exit__()
            student.memory_gb = student.watch.peak_gb


async def _server(student: Student, web: aiohttp.ClientSession, hub: Hub) -> None:
    user = f"{hub.url}/hub/api/users/{student.name}"
    async with web.post(user) as answer:
        answer.raise_for_status()
    async with web.post(f"{user}/server") as answer:  # 201 started, 202 starting
        answer.raise_for_status()
    while True:
        async with web.get(user) as answer:
            server = (await answer.json())["servers"].get("", {})
        if server.get("ready"):
            return
        if not server.get("pending"):
            raise RuntimeError("the server didn't start")
        await asyncio.sleep(0.25)


def _process_of(student: Student, hub: Hub) -> psutil.Process:
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        try:
            if process.environ().get("JUPYTERHUB_USER") == student.name:
                return process  # the first is the server, kernels are its children
        except psutil.Error:
            continue
    raise RuntimeError("the server's process is gone")


async def _run(student: Student, web: aiohttp.ClientSession, server: str, lesson: Lesson) -> None:
    """Open a session as JupyterLab does, and send the cells."""
    path = f"notebooks/{lesson.path.name}"
    asked = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
    begin = time.perf_counter()
    async with web.post(f"{server}/api/sessions", json=asked) as answer:
        answer.raise_for_status()
        kernel = (await answer.json())["kernel"]["id"]
    channels = f"{server}/api/kernels/{kernel}/channels"
    async with web.ws_connect(channels, max_msg_size=0, heartbeat=30) as socket:
        for source in lesson.sources:
            reply = await _execute(socket, source)
            if reply["status"] != "ok":
                raise RuntimeError(
                    f"cell {student.cells + 1}: {reply.get('ename')}: {reply.get('evalue')}"
                )
            student.cells += 1
    student.ran = time.perf_counter() - begin


async def _execute(socket: aiohttp.ClientWebSocketResponse, source: str) -> dict:
    """Send a cell; return its reply once the kernel is idle again, as a front end waits for both."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    header |= {"username": "", "session": uuid.uuid4().hex}
    content = {"code": source, "silent": False, "store_history": True, "stop_on_error": True}
    content |= {"user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    await socket.send_json({**message, "channel": "shell", "buffers": []})
    reply, idle = None, False
    while reply is None or not idle:
        frame = await socket.receive()
        if frame.type is not aiohttp.WSMsgType.TEXT:
            if frame.type is aiohttp.WSMsgType.BINARY:  # a widget's picture
                continue
            raise RuntimeError("the connection to the kernel was lost")
        answer = json.loads(frame.data)
        if answer["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if answer["msg_type"] == "execute_reply":
            reply = answer["content"]
        elif answer["msg_type"] == "status":
            idle = answer["content"]["execution_state"] == "idle"
    return reply


# --- the class -----------------------------------------------------------------------------------


async def teach(hub: Hub, count: int, lesson: Lesson, patience: float) -> list[Student]:
    """Let all students come at once, and wait for the last."""
    students = [Student(f"student{n:02d}") for n in range(1, count + 1)]
    web = aiohttp.ClientSession(
        headers={"Authorization": f"token {hub.token}"},
        timeout=aiohttp.ClientTimeout(total=patience),
        connector=aiohttp.TCPConnector(limit=0),
    )
    async with web:
        await _ready(web, hub)
        works = [asyncio.create_task(attend(one, web, hub, lesson)) for one in students]
        _, late = await asyncio.wait(works, timeout=patience)
        for work in late:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
    for student in students:
        if not student.trouble and student.cells < len(lesson.sources):
            student.trouble = f"not done after {patience:.0f} s"
    return students


async def _ready(web: aiohttp.ClientSession, hub: Hub) -> None:
    for _ in range(240):
        try:
            async with web.get(f"{hub.url}/hub/api/") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        if hub.process.poll() is not None:
            break
        await asyncio.sleep(0.5)
    raise RuntimeError(f"the hub didn't start; {hub.log} says why")


def table(students: list[Student], lesson: Lesson) -> str:
    """Return a line a student, and the figures that the docs quote."""
    lines = ["student     start s  open s  run s  memory GB  cells"]
    for one in students:
        lines.append(
            f"{one.name:<11}{one.started:>8.1f}{one.opened:>8.1f}{one.ran:>7.0f}"
            f"{one.memory_gb:>11.2f}{one.cells:>4}/{len(lesson.sources)}  {one.trouble}".rstrip()
        )
    lost = sum(bool(one.trouble) for one in students)
    starts, runs = [one.started for one in students], [one.ran for one in students]
    memory = [one.memory_gb for one in students]
    lines += [
        "",
        f"{len(students)} students at once, {lesson.path.stem}: {lost} lost",
        f"time to start a server: {min(starts):.0f} to {max(starts):.0f} s",
        f"memory per student (server and kernel, peak): {max(memory):.2f} GB at most, "
        f"{sum(memory):.1f} GB together",
        f"the lesson: {min(runs):.0f} to {max(runs):.0f} s",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--lesson", default="01", help="its number")
    parser.add_argument("--shared", type=Path, required=True, help="cache that holds the sample")
    parser.add_argument("--proxy", default="configurable-http-proxy", help="where it is installed")
    parser.add_argument("--patience", type=float, default=570, help="seconds for the whole class")
    parser.add_argument("--keep", action="store_true", help="keep the hub's folder, with its log")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    (path,) = (ROOT / "notebooks").glob(f"{options.lesson}_*.ipynb")
    lesson = Lesson(path)
    hub = Hub(options.students, options.shared.resolve(), options.proxy, options.patience)
    load = os.getloadavg()[0]
    own = 0.0
    try:
        hub.start()
        students = asyncio.run(teach(hub, options.students, lesson, options.patience))
        own = hub.own_gb()
        samples = list((hub.folder / "home").glob("*/.cache/unet-course/sample/*"))
    finally:
        hub.stop(options.keep)
    text = table(students, lesson)
    text += f"\nthe hub and its proxy: {own:.2f} GB"
    text += f"\nsamples that students made for themselves: {len(samples)}"
    text += f"\n{os.cpu_count()} cores; processes that wanted one before the trial: {load:.0f}"
    print(text)
    if options.json:
        figures = {
            "date": time.strftime("%Y-%m-%d"),
            "command": f"try_hub.py --students {options.students}",
            "students": options.students,
            "cores": os.cpu_count(),
            "lost": sum(bool(one.trouble) for one in students),
            "memory_gb": round(max(one.memory_gb for one in students), 2),
            "hub_gb": round(own, 2),
            "table": text,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.keep:
        print(f"log: {hub.log}")
    return int(any(one.trouble for one in students) or bool(samples))


if __name__ == "__main__":
    sys.exit(main())
