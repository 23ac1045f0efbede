#!/usr/bin/env python3
"""A model of 8 billion parameters in Q4_K_M on a small machine: writes a GGUF file of Llama 3's sizes with random
numbers, lets the program open it, read a prompt of 100 tokens, disrupt it and decode, and prints how long each took
and how much memory was held at most: of its own, and of the mapped file. Deletes the file afterwards.

    tests/benchmarks/large_model.py build/dev/bin/qkscope-cli [--layers 32] [--folder DIR] [--keep]

Needs 5 GB of disk and nothing but Python."""
import argparse
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import threading
import time

HIDDEN, INNER, HEADS, KV_HEADS, VOCABULARY = 4096, 14336, 32, 8, 128256
F32, Q4_K, Q6_K = 0, 12, 14  # ggml's numbers
BLOCK_BYTES = {Q4_K: 144, Q6_K: 210}
ALIGNMENT = 32


def text(value):
    value = value.encode()
    return struct.pack("<Q", len(value)) + value


def keys(layers):
    """GGUF's metadata: Llama 3's sizes and a vocabulary of bytes and made-up words."""
    u32, f32, string, array, i32 = 4, 6, 8, 9, 5
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    words += [f"\u2581w{n}" for n in range(VOCABULARY - len(words))]
    types = [2, 3, 3] + [6] * 256 + [1] * (VOCABULARY - 259)
    number = lambda value: (u32, struct.pack("<I", value))
    entries = {
        "general.architecture": (string, text("llama")),
        "llama.block_count": number(layers), "llama.context_length": number(8192),
        "llama.embedding_length": number(HIDDEN), "llama.feed_forward_length": number(INNER),
        "llama.attention.head_count": number(HEADS), "llama.attention.head_count_kv": number(KV_HEADS),
        "llama.vocab_size": number(VOCABULARY),
        "llama.rope.freq_base": (f32, struct.pack("<f", 500000)),
        "llama.attention.layer_norm_rms_epsilon": (f32, struct.pack("<f", 1e-5)),
        "tokenizer.ggml.model": (string, text("llama")),
        "tokenizer.ggml.tokens":
            (array, struct.pack("<IQ", string, len(words)) + b"".join(map(text, words))),
        "tokenizer.ggml.scores":
            (array, struct.pack("<IQ", f32, len(words)) + struct.pack(f"<{len(words)}f", *[-n for n in range(len(words))])),
        "tokenizer.ggml.token_type":
            (array, struct.pack("<IQ", i32, len(types)) + struct.pack(f"<{len(types)}i", *types)),
        "tokenizer.ggml.bos_token_id": number(1), "tokenizer.ggml.eos_token_id": number(2),
    }
    return len(entries), b"".join(text(name) + struct.pack("<I", kind) + value for name, (kind, value) in entries.items())


def tensors(layers):
    """(name, sizes with the fastest first, type), the types as Q4_K_M mixes them."""
    kv = HIDDEN // HEADS * KV_HEADS
    yield "token_embd.weight", (HIDDEN, VOCABULARY), Q4_K
    for l in range(layers):
        better = Q6_K if l < layers // 8 or l >= 7 * layers // 8 or (l - layers // 8) % 3 == 2 else Q4_K
        yield f"blk.{l}.attn_norm.weight", (HIDDEN,), F32
        yield f"blk.{l}.attn_q.weight", (HIDDEN, HIDDEN), Q4_K
        yield f"blk.{l}.attn_k.weight", (HIDDEN, kv), Q4_K
        yield f"blk.{l}.attn_v.weight", (HIDDEN, kv), better
        yield f"blk.{l}.attn_output.weight", (HIDDEN, HIDDEN), Q4_K
        yield f"blk.{l}.ffn_norm.weight", (HIDDEN,), F32
        yield f"blk.{l}.ffn_gate.weight", (HIDDEN, INNER), Q4_K
        yield f"blk.{l}.ffn_up.weight", (HIDDEN, INNER), Q4_K
        yield f"blk.{l}.ffn_down.weight", (INNER, HIDDEN), better
    yield "output_norm.weight", (HIDDEN,), F32
    yield "output.weight", (HIDDEN, VOCABULARY), Q6_K


def size_of(sizes, kind):
    count = 1
    for size in sizes:
        count *= size
    return count * 4 if kind == F32 else count // 256 * BLOCK_BYTES[kind]


def random_blocks(kind, count):
    """Blocks whose scales make numbers of about 0.02."""
    data = bytearray(random.randbytes(count * BLOCK_BYTES[kind]))
    for start in range(0, len(data), BLOCK_BYTES[kind]):
        if kind == Q4_K:
            data[start:start + 4] = struct.pack("<HH", 0x0400, 0x1000)  # halves: 2^-14, 2^-11
        else:
            data[start + 208:start + 210] = struct.pack("<H", 0x0080)  # 2^-17
    return bytes(data)


def write(path, layers):
    random.seed(1)
    blocks = {kind: random_blocks(kind, 4096) for kind in BLOCK_BYTES}
    listed, offset = b"", 0
    for name, sizes, kind in tensors(layers):
        listed += text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)
        offset += -(-size_of(sizes, kind) // ALIGNMENT) * ALIGNMENT
    count, metadata = keys(layers)
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, sum(1 for _ in tensors(layers)), count) + metadata + listed)
        file.write(b"\0" * (-file.tell() % ALIGNMENT))
        for _, sizes, kind in tensors(layers):
            left = size_of(sizes, kind)
            source = struct.pack("<f", 1) * 4096 if kind == F32 else blocks[kind]
            while left > 0:
                left -= file.write(source[:left])
            file.write(b"\0" * (-file.tell() % ALIGNMENT))


def run(command):
    """Seconds, and the most MiB of memory of its own and of mapped files."""
    start, peak = time.monotonic(), {"RssAnon": 0, "RssFile": 0}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def watch():
        while process.poll() is None:
            try:
                for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    name, _, value = line.partition(":")
                    if name in peak:
                        peak[name] = max(peak[name], int(value.split()[0]) // 1024)
            except OSError:
                pass  # it has ended
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.communicate()[0]
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(output)
    return time.monotonic() - start, peak["RssAnon"], peak["RssFile"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="qkscope-cli")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the file is written")
    parser.add_argument("--keep", action="store_true", help="leave the file there")
    options = parser.parse_args()
    path = os.path.join(options.folder, f"synthetic-8b-{options.layers}.Q4_K_M.gguf")
    try:
        write(path, options.layers)
        print(f"{path}: {os.path.getsize(path) / 2**20:.0f} MiB")
        prompt = " ".join(f"w{n * 37 % 5000}" for n in range(99))
        common = [path, "--weights", "stored"]
        asked = common + ["--raw", "--prompt", prompt, "--max-tokens", "100"]
        print(f"{'':34}{'s':>8}{'own MiB':>10}{'file MiB':>10}")
        for what, command in {
                "open": ["info", *common],
                "capture of 100 tokens": ["capture", *asked, "--norms-only", "--out", path + ".safetensors"],
                "disrupt, decode 8": ["generate", *asked, "--max-new", "8", "--disrupt", "lambda 5 on Q"],
                "decode 8": ["generate", *asked, "--max-new", "8"],
        }.items():
            seconds, own, mapped = run([options.program, *command])
            print(f"{what:34}{seconds:8.1f}{own:10}{mapped:10}")
    finally:
        for made in ([] if options.keep else [path]) + [path + ".safetensors"]:
            pathlib.Path(made).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
