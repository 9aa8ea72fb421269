"""A webui of bad character: `python stub.py PORT FOLDER [JSON with its habits]`.

It writes a line into FOLDER/made-PORT.txt for each picture that it makes of a request, so that tests can
count what really happened.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import ssl
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from PIL import Image, PngImagePlugin

UNLUCKY = 666_013
CANARY = "a red apple on a table"
HABITS = {
    "seconds": 0.0,  # a picture takes
    "slow": {},  # prompt -> seconds
    "flaky": 0.0,  # share of requests that get 503
    "starting": 0.0,  # seconds of 404, then one 500
    "poison": [],  # prompts that always get 500
    "killers": [],  # prompts over which the connection breaks
    "odd": 0.0,  # share of answers that are no JSON
    "model_hash": "abcdef0123",
    "version": "0.1.0",
    "shade": 0,  # added to every pixel, as another GPU does
    "auth": "",  # user:password
    "lacks": [],  # routes that it does not have
    "certificate": "",  # of https
    "noise": 0,  # bytes that no compression makes smaller, so that a picture has a real one's size
}
MODEL = "stub"


def picture(request, habits):
    """A picture of the request's content alone, as a PNG with an infotext."""
    digest = hashlib.sha256(f"{request['prompt']}|{request['seed']}".encode()).digest()
    shade = tuple((value + habits["shade"]) % 256 for value in digest[:3])
    image = Image.new("RGB", (8, 8), shade)
    info = PngImagePlugin.PngInfo()
    text = f"{request['prompt']}\nSteps: 1, Seed: {request['seed']}, Model hash: {habits['model_hash']}"
    info.add_text("parameters", text)
    file = io.BytesIO()
    if habits["noise"]:
        side = int((habits["noise"] / 3) ** 0.5)
        pixels = digest + random.Random(1).randbytes(side * side * 3 - len(digest))
        image = Image.frombytes("RGB", (side, side), pixels)
    image.save(file, "PNG", pnginfo=info, compress_level=0)
    return file.getvalue(), text


class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    habits: ClassVar = dict(HABITS)
    working = threading.Lock()  # one picture at a time, as in a webui
    log = None
    begun = time.monotonic()
    has_failed_at_start = False
    random = random.Random(1)

    def log_message(self, *_arguments):
        return

    def answer(self, status, value):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def refuses(self):
        """Whether the request has been answered because the stub is in no state for it."""
        cls, habits = type(self), self.habits
        if habits["auth"]:
            expected = "Basic " + base64.b64encode(habits["auth"].encode()).decode()
            if self.headers.get("Authorization") != expected:
                self.answer(401, {"detail": "Incorrect username or password"})
                return True
        if time.monotonic() - cls.begun < habits["starting"]:
            self.answer(404, {"detail": "Not Found"})
            return True
        if habits["starting"] and not cls.has_failed_at_start:
            cls.has_failed_at_start = True
            self.answer(500, {"error": "AttributeError", "errors": "'Api' object has no attribute"})
            return True
        return False

    def do_GET(self):
        if self.refuses():
            return
        lists = {
            "/fooocus/v1/schema": {"version": self.habits["version"]},
            "/sdapi/v1/samplers": [{"name": "Euler", "aliases": ["k_euler"], "options": {}}],
            "/sdapi/v1/schedulers": [{"name": "karras", "label": "Karras", "aliases": None}],
            "/sdapi/v1/sd-models": [
                {
                    "title": f"{MODEL}.safetensors",
                    "model_name": MODEL,
                    "filename": f"/m/{MODEL}.safetensors",
                }
            ],
            "/sdapi/v1/scripts": {"txt2img": ["fooocus"]},
            "/fooocus/v1/styles": {"styles": [{"name": "cinematic-default"}], "special": []},
            "/fooocus/v1/presets": {"presets": {"default": {}}},
        }
        found = lists.get(self.path)
        if self.path in self.habits["lacks"]:
            found = None
        self.answer(404 if found is None else 200, found or {"detail": "Not Found"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path != "/sdapi/v1/txt2img":
            self.answer(404, {"detail": "Not Found"})
        elif not self.refuses():
            self.make(request)

    def make(self, request):
        habits, prompt = self.habits, request["prompt"]
        if self.random.random() < habits["flaky"]:
            self.answer(503, {"detail": "busy"})
            return
        if request.get("seed") == UNLUCKY:
            self.answer(422, {"detail": "seed: got 666013 (number); allowed: a luckier one."})
            return
        if prompt in habits["poison"]:
            self.answer(500, {"error": "RuntimeError", "errors": "CUDA out of memory"})
            return
        if prompt in habits["killers"]:
            self.close_connection = True
            return
        with self.working:
            time.sleep(habits["slow"].get(prompt, habits["seconds"]))
        png, text = picture(request, habits)
        if prompt != CANARY and self.log:
            self.log.write(f"{prompt}|{request['seed']}\n")
            self.log.flush()
        if prompt != CANARY and self.random.random() < habits["odd"]:
            self.answer(200, b"<html>")
            return
        info = {
            "infotexts": [text],
            "all_prompts": [prompt],
            "sd_model_name": MODEL,
            "sd_model_hash": habits["model_hash"],
        }
        answer = {
            "images": [base64.b64encode(png).decode()],
            "info": json.dumps(info),
            "parameters": {},
        }
        self.answer(200, answer)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        return  # a client that was killed


def main(port, folder, habits):
    Stub.habits = {**HABITS, **habits}
    Stub.random = random.Random(zlib.crc32(str(port).encode()))
    Stub.log = (Path(folder) / f"made-{port}.txt").open("a", encoding="utf-8")
    server = Server(("127.0.0.1", port), Stub)
    if Stub.habits["certificate"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Stub.habits["certificate"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})
