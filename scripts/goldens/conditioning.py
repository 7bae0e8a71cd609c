"""Weighted, chunked prompts as AUTOMATIC1111's web UI and as ComfyUI condition SDXL on them: a plain model of their published behaviour.

    python conditioning.py <diffusers folder with both encoders and a tokenizer> [--out folder]

Writes conditioning.json.gz: {"a1111": [case], "comfy": [case]}, a case being
  {prompt, note?, parsed: [[text, weight]], chunks: [{ids_1, ids_2, weights}], results: {emphasis: summary}}
"ids_1" are the first encoder's 77 ids (padded with the end token), "ids_2" the second's (padded with 0). "note" marks what is a quirk of the
program rather than a rule that anyone asked for. A summary, computed in float64 from the stored weights, is
  {shape, sum, norm, tokenNorms, tokens: {index: vector}, pooled}
of the context (both penultimate states side by side, chunks one after another). "pooled" is the first chunk's, never weighted.

Token ids are transformers' current tokenizer's for every part of the prompt on its own; the second encoder's own tokenizer in the web UI also
cleans the text, which no prompt here would notice.

The web UI. ( ) multiplies by 1.1, [ ] divides by 1.1, (x:w) multiplies by w, nested brackets multiply; a backslash makes a bracket literal; unclosed
brackets reach to the end; BREAK ends a chunk. Chunks of 75; a word that would begin the next chunk takes along what stands behind the last
comma if that is at most 20 tokens back. Weights multiply the encoder's output, by chunk and by encoder: "Original" then scales the whole chunk back to
its mean, "No norm" does not, "Ignore" reads the syntax but not the weights, "None" takes the syntax for text.

ComfyUI. ( ) multiplies by 1.1, but (x:w) sets w whatever stands around it; no square brackets, no BREAK. Words (split at spaces) stay whole in a
chunk if they have fewer than 8 tokens. Weights move the output along the line from the empty prompt's: empty + w (z - empty).
"""

import re

import torch

from common import arguments, quiet, write_json_gz

quiet()

START, END, CHUNK, BACKTRACK = 49406, 49407, 75, 20

TAGS = """1girl, solo, silver hair, long hair, red eyes, looking at viewer, smile, black dress, frilled dress, white gloves, standing, outdoors,
night sky, full moon, castle, depth of field, wind, floating hair, petals, masterpiece, best quality, absurdres, very aesthetic""".replace("\n", " ")

A1111 = [
    ("", None),
    ("1girl, solo", None),
    ("1girl, (red eyes), solo", None),
    ("1girl, ((red eyes)), (((solo)))", None),
    ("1girl, [red eyes], [[solo]]", None),
    ("1girl, (red eyes:1.35), (smile:0.6)", None),
    ("(a (b:1.5) [c] d:1.2) e", None),
    (r"rem \(re:zero\), saber \(fate\), (artoria \(lancer\):1.2)", None),
    (r"a \[literal\] bracket and one back\slash and two \\", "a lone backslash disappears"),
    ("(unclosed brackets reach, [the end", None),
    ("closed) before open], fine", None),
    ("(empty:1.3)() [] (:1.2)", None),
    ("(negative weight:-0.5), (zero:0), (blue eyes:+1.1)", None),
    ("(spaces: 1.4 ), (name:thing), 16:9, 12:30)", None),
    ("red hair BREAK blue eyes", None),
    ("red hair\n BREAK \n(blue eyes:1.3) BREAK green dress", None),
    ("a BREAK BREAK b", None),
    ("BREAK a", None),
    ("a BREAK", None),
    ("BREAKFAST, break, aBREAK", None),
    ("(red hair BREAK blue eyes:1.2)", "BREAK inside brackets has its marker's weight multiplied and is then read as the word"),
    (TAGS, None),
    (TAGS + ", " + TAGS, None),
    (TAGS + ", " + TAGS.replace("silver hair", "(silver hair:1.4)") + ", [castle]", None),
    ("one two three four five six seven eight nine ten " * 9, None),
    ("word " * 60 + ", " + "long tail without any comma " * 5, None),
    ("word " * 50 + ", " + "tail farther back than twenty tokens " * 6, None),
    ("word " * 75 + ", next", None),
    ("word " * 74 + ", next", None),
    ("(" + "masterpiece, " * 40 + ":1.1)", None),
    ("There are two girls in the image. The girl in the left is (red hair:1.2) with sea-black eyes. The girl in the right is [blue hair], and fiery ruby eyes", None),
]

COMFY = [
    ("", None),
    ("1girl, solo", None),
    ("1girl, (red eyes), solo", None),
    ("1girl, ((red eyes)), (((solo)))", None),
    ("1girl, (red eyes:1.35), (smile:0.6)", None),
    ("(a (b:1.5) c:1.2) d", "an inner weight replaces the outer one"),
    ("((b:1.5) c) d", "an inner weight replaces the outer one"),
    (r"rem \(re:zero\), (artoria \(lancer\):1.2)", None),
    ("[red eyes], a BREAK b", "neither has a meaning here"),
    ("(negative weight:-0.5), (zero:0), (name:thing)", None),
    ("(unclosed bracket, red eyes", None),
    ("red  hair\nblue\n\neyes", None),
    (TAGS, None),
    (TAGS + ", " + TAGS.replace("silver hair", "(silver hair:1.4)"), None),
    ("word " * 73 + "supercalifragilisticexpialidocious next", None),
    ("word " * 70 + "aaaaaaaaaaaaaaaaqqqqqqqqqqqqqqqqzzzzzzzzzzzzzzzzxxxxxxxxxxxxxxxx next", None),
    ("There are two girls in the image. The girl in the left is (red hair:1.2) with sea-black eyes.", None),
]


# The web UI ------------------------------------------------------------------


def parse_web_ui(prompt):
    """[[text, weight]]; a break is ["BREAK", -1]."""
    parts, opened = [], {"(": [], "[": []}

    def close(bracket, factor):
        for part in parts[opened[bracket].pop() :]:
            part[1] *= factor

    def add_text(text):
        pieces = re.split(r"\s*\bBREAK\b\s*", text)
        for number, piece in enumerate(pieces):
            if number:
                parts.append(["BREAK", -1])
            parts.append([piece, 1.0])

    position = 0
    while position < len(prompt):
        character = prompt[position]
        weight = re.compile(r":\s*([+-]?[.\d]+)\s*\)").match(prompt, position)
        if character == "\\":
            escaped = prompt[position + 1 : position + 2]
            escaped = escaped if escaped and escaped in "()[]\\" else ""
            parts.append([escaped, 1.0])
            position += 1 + len(escaped)
        elif character in opened:
            opened[character].append(len(parts))
            position += 1
        elif weight:
            close("(", float(weight[1])) if opened["("] else add_text(weight[0])
            position = weight.end()
        elif character == ")" and opened["("]:
            close("(", 1.1)
            position += 1
        elif character == "]" and opened["["]:
            close("[", 1 / 1.1)
            position += 1
        elif character in ":)]":
            add_text(character)
            position += 1
        else:
            run = re.compile(r"[^\\()\[\]:]+").match(prompt, position)[0]
            add_text(run)
            position += len(run)
    for bracket, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while opened[bracket]:
            close(bracket, factor)

    merged = []
    for text, weight in parts or [["", 1.0]]:
        if merged and merged[-1][1] == weight:
            merged[-1][0] += text
        else:
            merged.append([text, weight])
    return merged


def chunk_web_ui(parsed, tokenize):
    """Lists of at most 75 (id, weight), each list one chunk."""
    comma = tokenize(",")[0]
    chunks, current, last_comma = [], [], None

    def finish():
        nonlocal current, last_comma
        chunks.append(current)
        current, last_comma = [], None

    for text, weight in parsed:
        if text == "BREAK" and weight == -1:
            finish()
            continue
        for token in tokenize(text):
            if token == comma:
                last_comma = len(current)
            elif len(current) == CHUNK and last_comma is not None and len(current) - last_comma <= BACKTRACK:
                moved = current[last_comma + 1 :]
                del current[last_comma + 1 :]
                finish()
                current = moved
            if len(current) == CHUNK:
                finish()
            current.append((token, weight))
    if current or not chunks:
        finish()
    return chunks


def pad(chunk):
    """One chunk of (id, weight) as both encoders' 77 ids and the weights. Padding weighs 1."""
    ids = [START, *(token for token, _ in chunk), END]
    rest = 77 - len(ids)
    return {"ids_1": ids + [END] * rest, "ids_2": ids + [0] * rest, "weights": [1.0, *(weight for _, weight in chunk), 1.0] + [1.0] * rest}


def condition_web_ui(chunks, encode, emphasis):
    states, pooled = encode(chunks)
    weights = torch.tensor([chunk["weights"] for chunk in chunks], dtype=torch.float64)[:, :, None]
    parts = []
    for state in states:
        if emphasis in ("Original", "No norm"):
            weighted = state * weights
            if emphasis == "Original":
                weighted = weighted * (state.mean((1, 2), keepdim=True) / weighted.mean((1, 2), keepdim=True))
            state = weighted
        parts.append(state)
    return summary(parts, pooled)


# ComfyUI ---------------------------------------------------------------------


def parse_comfy(prompt):
    """[[text, weight]]. Escaped brackets are hidden behind private characters until the text is taken apart."""

    def split(text):
        items, depth, item = [], 0, ""
        for character in text:
            if character == "(":
                if depth == 0 and item:
                    items.append(item)
                    item = ""
                depth += 1
                item += character
            elif character == ")":
                depth -= 1
                item += character
                if depth == 0:
                    items.append(item)
                    item = ""
            else:
                item += character
        return items + [item] if item else items

    def weigh(text, weight):
        found = []
        for item in split(text):
            if len(item) >= 2 and item[0] == "(" and item[-1] == ")":
                inner, inner_weight = item[1:-1], weight * 1.1
                head, colon, tail = inner.rpartition(":")
                if colon and head:
                    try:
                        inner, inner_weight = head, float(tail)
                    except ValueError:
                        pass
                found += weigh(inner, inner_weight)
            else:
                found.append([item, weight])
        return found

    hidden = prompt.replace(r"\)", "\ue001").replace(r"\(", "\ue000")
    return [[text.replace("\ue001", ")").replace("\ue000", "("), weight] for text, weight in weigh(hidden, 1.0)]


def chunk_comfy(parsed, tokenize):
    words = [[(token, weight) for token in tokenize(word)] for text, weight in parsed for word in text.replace("\n", " ").split(" ") if word]
    chunks = [[]]
    for word in words:
        is_large = len(word) >= 8
        while word:
            room = CHUNK - len(chunks[-1])
            if len(word) <= room:
                chunks[-1] += word
                break
            if is_large:
                chunks[-1] += word[:room]
                word = word[room:]
            chunks.append([])
    return chunks


def condition_comfy(chunks, encode):
    states, pooled = encode(chunks + [pad([])])
    weights = torch.tensor([chunk["weights"] for chunk in chunks], dtype=torch.float64)[:, :, None]
    return summary([state[-1:] + weights * (state[:-1] - state[-1:]) for state in states], pooled)


# Both ------------------------------------------------------------------------


def number(value):
    return float(f"{float(value):.10g}")


def numbers(values):
    return [number(value) for value in values]


def summary(parts, pooled):
    context = torch.cat(parts, dim=-1).flatten(0, 1)
    tokens = {str(index): numbers(context[index]) for index in (0, 1, 3)}
    return {
        "shape": list(context.shape), "sum": number(context.sum()), "norm": number(context.norm()),
        "tokenNorms": [float(f"{value:.7g}") for value in context.norm(dim=-1).tolist()], "tokens": tokens, "pooled": numbers(pooled),
    }


def load(folder):
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizerFast

    tokenizer = CLIPTokenizerFast.from_pretrained(f"{folder}/tokenizer")
    options = {"torch_dtype": torch.float64, "local_files_only": True}
    first = CLIPTextModel.from_pretrained(f"{folder}/text_encoder", **options).eval()
    second = CLIPTextModelWithProjection.from_pretrained(f"{folder}/text_encoder_2", **options).eval()

    def tokenize(text):
        return tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]

    @torch.no_grad()
    def encode(chunks):
        one = first(torch.tensor([chunk["ids_1"] for chunk in chunks]), output_hidden_states=True)
        two = second(torch.tensor([chunk["ids_2"] for chunk in chunks]), output_hidden_states=True)
        return (one.hidden_states[-2], two.hidden_states[-2]), two.text_embeds[0]

    return tokenize, encode


def main():
    paths = arguments(__doc__, folder="diffusers folder, nano-bootstrap")
    tokenize, encode = load(paths.folder)
    fixture = {"a1111": [], "comfy": []}
    for prompt, note in A1111:
        parsed = parse_web_ui(prompt)
        chunks = [pad(chunk) for chunk in chunk_web_ui(parsed, tokenize)]
        results = {emphasis: condition_web_ui(chunks, encode, emphasis) for emphasis in ("Original", "No norm", "Ignore")}
        # Without weights all three are the same numbers: once is enough.
        if all(weight == 1 for chunk in chunks for weight in chunk["weights"]):
            results = {"Original": results["Original"]}
        case = {"prompt": prompt, "parsed": parsed, "chunks": chunks, "results": results}
        literal = [pad(chunk) for chunk in chunk_web_ui([[prompt, 1.0]], tokenize)]
        if literal != chunks:
            case["literal"] = {"chunks": literal, "result": condition_web_ui(literal, encode, "None")}
        fixture["a1111"].append(case | ({"note": note} if note else {}))
    for prompt, note in COMFY:
        parsed = parse_comfy(prompt)
        chunks = [pad(chunk) for chunk in chunk_comfy(parsed, tokenize)]
        case = {"prompt": prompt, "parsed": parsed, "chunks": chunks, "results": {"weighted": condition_comfy(chunks, encode)}}
        fixture["comfy"].append(case | ({"note": note} if note else {}))
    for program, cases in fixture.items():
        for case in cases:
            print(program, len(case["chunks"]), case["parsed"][:6], case["prompt"][:50].encode())
    write_json_gz(f"{paths.out}/conditioning.json.gz", fixture)


if __name__ == "__main__":
    main()
