#!/usr/bin/env python3
"""Remakes chats.json: conversations as Hugging Face transformers' apply_chat_template renders them.

    python3 -m venv env && env/bin/pip install transformers==5.23.0 jinja2==3.1.6
    env/bin/python tests/goldens/make_chats.py
    env/bin/python tests/goldens/make_chats.py --add NAME FAMILY TEMPLATE_FILE BOS_TOKEN EOS_TOKEN

The templates are those of the models named, kept in chats.json itself: the first form renders them all again, the
second adds one. Where a template tells the day, TODAY stands for it. Brackets and bars in strings are
written as \\u escapes.
"""
import datetime
import json
import pathlib
import sys

import jinja2
from transformers.utils.chat_template_utils import render_jinja_template

GOLDEN = pathlib.Path(__file__).resolve().parent / "chats.json"

USER = dict(role="user", content="Hello, who are you?")
SYSTEM = dict(role="system", content="You are a helpful assistant.")
ASSISTANT = dict(role="assistant", content="  I am an assistant.\n ")
AGAIN = dict(role="user", content=" What is {{ 2 + 2 }}, {% if %}? \"Größe\" 'ça' 你好 🙂 \\n")
CONVERSATIONS = {
    "user": [USER],
    "system, user": [SYSTEM, USER],
    "user, assistant, user": [USER, ASSISTANT, AGAIN],
    "system, user, assistant, user": [SYSTEM, USER, ASSISTANT, AGAIN],
    "user, user": [USER, AGAIN],
    "empty words": [dict(role="user", content="")],
}


def rendered(template, messages, bos_token, eos_token):
    """The text, or the reason why the template refuses the conversation."""
    try:
        texts, _ = render_jinja_template(conversations=[messages], chat_template=template, add_generation_prompt=True,
                                         bos_token=bos_token, eos_token=eos_token)
        return dict(text=texts[0].replace(datetime.date.today().strftime("%d %b %Y"), "TODAY"))
    except jinja2.exceptions.TemplateError as error:
        return dict(refusal=str(error))


def escaped(value):
    """JSON whose strings are free of control markup."""
    text = json.dumps(value, indent=1)
    out, in_string, i = [], False, 0
    while i < len(text):
        c = text[i]
        if in_string and c == "\\":
            out.append(text[i:i + 2])
            i += 2
            continue
        if c == '"':
            in_string = not in_string
        out.append(f"\\u{ord(c):04x}" if in_string and c in "<>[]|" else c)
        i += 1
    return "".join(out) + "\n"


def main():
    cases = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else []
    if sys.argv[1:2] == ["--add"]:
        name, family, template, bos_token, eos_token = sys.argv[2:]
        cases = [case for case in cases if case["name"] != name]
        cases.append(dict(name=name, family=family, bos_token=bos_token, eos_token=eos_token,
                          template=pathlib.Path(template).read_text()))
    for case in cases:
        case["conversations"] = [
            dict(name=name, messages=messages,
                 **rendered(case["template"], messages, case["bos_token"], case["eos_token"]))
            for name, messages in CONVERSATIONS.items()]
    GOLDEN.write_text(escaped(cases))


if __name__ == "__main__":
    main()
