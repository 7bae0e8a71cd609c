"""CLIP token ids from transformers' current tokenizer, without special tokens and without truncation.

    python tokenizer.py <folder with vocab.json and merges.txt> [--out folder]

Writes tokenizer.json.gz: [{"prompt", "ids"}]. The prompts are made here from word lists and a seeded generator, so that the
fixture covers what people type (tags, sentences, other scripts, emoji) and what breaks tokenizers (odd white space, controls,
characters that change under NFC or lower case, names that every JavaScript object has).
"""

import random
import unicodedata

from common import arguments, quiet, write_json_gz

quiet()

TAGS = """1girl 2girls 1boy solo multiple_girls long_hair very_long_hair short_hair blue_eyes red_eyes purple_eyes heterochromia
blonde_hair black_hair silver_hair two-tone_hair gradient_hair twintails ponytail side_ponytail braid hair_ribbon hair_ornament
hairclip hair_between_eyes ahoge animal_ears cat_ears fox_ears bunny_ears horns halo wings demon_girl looking_at_viewer
looking_back smile open_mouth closed_mouth :d :o :3 ;d >_< ^_^ @_@ +_+ o_o x_x =_= \\(^o^)/ blush sweat tears school_uniform
serafuku sailor_collar pleated_skirt kimono hakama maid dress frilled_dress off-shoulder thighhighs zettai_ryouiki pantyhose
bare_shoulders collarbone detached_sleeves gloves fingerless_gloves hat witch_hat beret jacket hoodie scarf glasses
semi-rimless_eyewear jewelry earrings necklace choker ribbon bow holding holding_sword katana gun umbrella book cup food ice_cream
sitting standing kneeling lying on_back from_above from_below from_side cowboy_shot upper_body full_body portrait close-up
dutch_angle outdoors indoors sky cloudy_sky night starry_sky sunset rain snow cherry_blossoms beach ocean forest cityscape ruins
classroom white_background simple_background black_background empty_black_background gradient_background depth_of_field
bokeh lens_flare light_particles backlighting monochrome greyscale limited_palette sketch lineart chibi masterpiece best_quality
absurdres highres newest very_aesthetic worst_quality low_quality bad_anatomy bad_hands jpeg_artifacts signature watermark
hatsune_miku hakurei_reimu kirisame_marisa rem_(re:zero) saber_(fate) frieren artoria_pendragon_(fate) amiya_(arknights)
ganyu_(genshin_impact) fate/grand_order re:zero k-on! love_live! kemono_friends touhou hololive idolmaster rating:general
artist:wlop year_2023 muted_colors average_colors vibrant_colors very_vibrant_colors monotonic_color medium_colorfulness
high_colorfulness low_contrast very_high_contrast static_colors high_dynamic_colors normal_brightness black_theme""".split()

COLOURS = "red blue green silver golden crimson teal ruby-red sea-black violet white pitch-black aquamarine".split()
NOUNS = "girl woman boy knight witch dragon cat fox spirit castle lighthouse library train station garden robot moon".split()
VERBS = "holds watches paints remembers doesn't can't won't she's he'd they've I'll we're you'd it's isn't".split()
PLACES = ["in the rain", "at 3 a.m.", "under a starry sky", "on the left", "in front of a blue-violet wall", "near the sea"]

OTHER_SCRIPTS = """初音ミク|東方Project|涼宮ハルヒの憂鬱|私は猫です。名前はまだ無い|ｶﾀｶﾅ ﾊﾝｶｸ|ＦＵＬＬ ＷＩＤＴＨ １２３|魔法少女まどか☆マギカ|ガンダム|が|か\u3099|
一个女孩在雨中|紅色的頭髮，藍色的眼睛|龙与剑|繁體字與简体字|「引用」『二重』【隅付き】〜…・|소녀 두 명|안녕하세요 세계|각|\u1100\u1161\u11a8|Привет, мир!|ДЕВОЧКА С МЕЧОМ|
Ελληνικά ΟΔΟΣ Σίσυφος|العربية مرحبا|ٱلْعَرَبِيَّة|שלום עולם|שָׁלוֹם|हिन्दी नमस्ते|ภาษาไทย สวัสดี|Tiếng Việt Nguyễn|বাংলা|தமிழ்|ქართული|Հայերեն|አማርኛ|
ᏣᎳᎩ|𝔉𝔯𝔞𝔨𝔱𝔲𝔯|𝟙𝟚𝟛|𠮷野家|𐐀𐐨 deseret|ꙮ|مُحَمَّد ﷺ|ﷲ|İstanbul ıI|straße STRASSE ẞ|ﬁ ﬂ ﬀ|Ǆ ǅ ǆ|Ⅷ ⅷ ½ ² ³ ¹ ⁵|№ ℃ Å Å Å|K K|Ω Ω|café cafe\u0301 CAFÉ|naïve façade|Zoë|
jalapeño|smörgåsbord|Ångström|ñ n\u0303|ö o\u0308 Ö|ậ a\u0323\u0302 a\u0302\u0323|e\u0301\u0327|\u0301 alone|\u0958 \u0915\u093c|q\u0307\u0323|\u212b\u2126\u212a""".replace("\n", "").split("|")

EMOJI = """😀|😀😀😀|👩\u200d👩\u200d👧\u200d👦|👩🏽\u200d🚀|🏳️\u200d🌈|🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f|🇯🇵🇫🇷|👍🏿|1️⃣ #️⃣|❤️|❤|☆★♪♥|✨girl✨|🐱cat🐱cat|
🧙\u200d♀️ witch|👁️\u200d🗨️|🫠|🥹 smile|( ͡° ͜ʖ ͡°)|¯\\_(ツ)_/¯|(╯°□°)╯︵ ┻━┻|ಠ_ಠ|(｡•́︿•̀｡)|ヽ(´▽`)/|m(_ _)m|^^;""".replace("\n", "").split("|")

PUNCTUATION = ["!", "!!", "!!!", "!!!!!!!!!!", "...", "....", "......", "?!?!", "---", "--", "-", "_", "__", "___", ",", ",,,", ", , ,", ".,;:!?",
               "(((girl)))", "((girl:1.2))", "[girl]", "[a:b:0.5]", "[a|b|c]", "{girl}", "{{girl}}", "(girl:1.35), [hat]", r"\(fate\)", r"\\", "\\",
               "<lora:name:0.8>", "<lora:name:1:0.5>", "a BREAK b", "a AND b", "|||", "a ||| b", "~~~", "***", "###", "@@@", "$$$ 100$", "%%% 50%",
               "&&&", "&", "+++", "===", "<<<>>>", "<>", "''", "\"\"", "''''", "'", "“quoted”", "‘quoted’", "it’s", "it's", "IT'S", "'S 'T 'RE 'VE 'M 'LL 'D",
               "'s't're've'm'll'd", "don't can't won't", "rock'n'roll", "'90s", "o'clock's", "'sword", "'llama", "'dragon", "'then", "a's'b", "`code`",
               "http://example.com/a?b=c&d=e#f", "a@b.co", "C:\\dir\\file.png", "file_name-01.safetensors", "a/b", "a//b", "1+1=2", "x^2", "—–―", "…", "‥",
               "«guillemets»", "¿qué? ¡sí!", "•·●○", "→←↑↓", "©®™", "€£¥₩", "§¶†‡", "°C", "×÷±≠≤≥∞", "⟨⟩", "█▓▒░", "¨ ´ ¸ ˆ ˜"]

NUMBERS = ["0", "1", "12", "123", "1234567890", "3.14159", "1,000,000", "1e-5", "0x1F", "-1", "+1", "1/2", "1st 2nd 3rd", "2girls", "v3.5", "1.0.0",
           "2048x2048", "16:9", "50%", "007", "1girl2boys3cats", "a1b2c3", "٣٤٥", "１２３", "一二三", "①②③", "ⅠⅡⅢ", "²³", "1_000"]

ENTITIES = ["&amp;", "&lt;b&gt;", "&quot;hi&quot;", "&#39;", "&#x27;", "&amp;amp;", "&nbsp;", "&hearts;", "&copy 2024", "tom &amp; jerry", "<b>bold</b>",
            "<br/>", "&#128512;", "&notanentity;", "a&b;c"]

# Each character stands between letters, doubled, at the start and at the end. The list has what Unicode, Rust's and JavaScript's
# `\s` do and do not agree on (U+0085, U+180E, U+200B, U+FEFF).
SPACES = [" ", "  ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2000", "\u2001", "\u2007",
          "\u2009", "\u200a", "\u200b", "\u200c", "\u200d", "\u200e", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", "\u00ad", "\u061c"]

OBJECT_NAMES = ["constructor", "Constructor", "CONSTRUCTOR", "a constructor, b", "__proto__", "prototype", "toString", "tostring", "valueOf", "hasOwnProperty",
                "isPrototypeOf", "__defineGetter__", "undefined", "null", "NaN", "true false", "length", "size", "get set", "then", "self"]

SPECIAL = ["<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "a<|startoftext|>b", "<|endoftext|><|endoftext|>", " <|endoftext|> ", "<|ENDOFTEXT|>",
           "<|endoftext|", "|endoftext|>", "< |endoftext|>", "<|startoftext|>1girl, solo<|endoftext|>", "endoftext", "</w>", "girl</w>", "Ġgirl", "ĠĠ", "Ã©"]

CASES = ["1GIRL, SOLO", "MiXeD CaSe", "ALL CAPS TEXT", "iPhone", "McDonald's", "ÀÉÎÕÜ", "ÇŞĞ", "ŁÓDŹ", "ΣΑΣ ΣΑ", "ДЖ Щ", "Ǆ", "ᾼ", "ǰ", "ŉ", "ΐ", "ᾳ", "Ⓐ Ⓑ", "ＡＢＣ",
         "ꭰ Ꭰ", "Ა ა", "𐐀", "𞤀", "Ꞛ", "İ", "I\u0307", "İİ", "ẞ", "SS ß"]


def tag_prompt(rng):
    tags = rng.sample(TAGS, rng.randint(1, 30))
    style = rng.randrange(4)
    if style == 0:
        tags = [tag.replace("_", " ") for tag in tags]
    elif style == 1:
        tags = [tag.replace("(", r"\(").replace(")", r"\)").replace("_", " ") for tag in tags]
    elif style == 2:
        tags = [f"({tag}:{rng.uniform(0.5, 1.5):.2f})" if rng.random() < 0.2 else tag for tag in tags]
    text = rng.choice([", ", ",", " , ", ", ", "\n", " "]).join(tags)
    return text.title() if rng.random() < 0.05 else text.upper() if rng.random() < 0.05 else text


def sentence(rng):
    forms = [
        lambda: f"There are {rng.choice(['two', 'three', '2', 'many'])} {rng.choice(NOUNS)}s in the image. The {rng.choice(NOUNS)} in the left is "
                f"{rng.choice(COLOURS)} hair with {rng.choice(COLOURS)} eyes.",
        lambda: f"A {rng.choice(COLOURS)} {rng.choice(NOUNS)} {rng.choice(VERBS)} a {rng.choice(COLOURS)} {rng.choice(NOUNS)} {rng.choice(PLACES)}.",
        lambda: f"{rng.choice(VERBS).capitalize()} the {rng.choice(NOUNS)}, {rng.choice(PLACES)}; \"{rng.choice(COLOURS)}!\" — {rng.choice(NOUNS)}'s {rng.choice(NOUNS)}",
        lambda: f"({rng.choice(NOUNS)}:{rng.random():.1f}) {rng.choice(PLACES)}, {rng.randint(0, 9999)} {rng.choice(NOUNS)}s...",
    ]
    return rng.choice([" ", "  ", "\n"]).join(rng.choice(forms)() for _ in range(rng.randint(1, 6)))


# Letters, marks, symbols and punctuation that were assigned long ago: Unicode tables of different ages agree on them.
BLOCKS = [(0x20, 0x7E), (0xA1, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x589), (0x5B0, 0x5F4), (0x621, 0x6D3),
          (0x905, 0x94D), (0xE01, 0xE5B), (0x10A0, 0x10FF), (0x1100, 0x11F9), (0x1E00, 0x1EF9), (0x1F00, 0x1FFE), (0x2010, 0x2046), (0x2070, 0x208E),
          (0x2100, 0x2138), (0x2150, 0x2183), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2460, 0x24FF), (0x2500, 0x25FF), (0x2600, 0x26FF), (0x3001, 0x30FE),
          (0x3105, 0x312C), (0x3200, 0x32FE), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xF900, 0xFA2D), (0xFB00, 0xFB06), (0xFE30, 0xFE4F), (0xFF01, 0xFFEE),
          (0x1D400, 0x1D7FF), (0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x20000, 0x2A6D6)]


def characters(rng, count):
    """`count` characters, mostly from one block at a time, so that runs form as they do in text."""
    text = []
    while len(text) < count:
        first, last = rng.choice(BLOCKS)
        for _ in range(rng.randint(1, 8)):
            character = chr(rng.randint(first, last))
            if unicodedata.category(character) not in ("Cn", "Cs", "Co"):
                text.append(character)
        if rng.random() < 0.3:
            text.append(rng.choice([" ", ", ", "\u3000", "'s "]))
    return "".join(text[:count])


def ascii_soup(rng):
    alphabet = rng.choice(["abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz  ", "etaoinshrdlu ", "".join(map(chr, range(32, 127))), "ab'", "0123456789abc ,.()"])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 120)))


def prompts(vocabulary):
    rng = random.Random(20250322)
    yield from ["", " ", "   ", "\n", "\t\n ", "a", "A", "girl", " girl", "girl ", "  girl  "]
    for group in (TAGS, OTHER_SCRIPTS, EMOJI, PUNCTUATION, NUMBERS, ENTITIES, OBJECT_NAMES, SPECIAL, CASES):
        yield from group
    yield "There are two girls in the image. The girl in the left is red hair with sea-black eyes. The girl in the right is blue hair, and fiery ruby eyes"
    for space in SPACES:
        yield f"red{space}hair"
        yield f"{space}red{space}{space}hair, 1girl{space}"
    for code in [*range(0, 9), *range(14, 28), 0x7F, *range(0x80, 0xA0, 3), 0xE000, 0xF8FF, 0xFFFD, 0xFFFF, 0x10FFFF, 0xFFF9, 0x200B, 0x202E, 0x2066]:
        yield f"a{chr(code)}b {chr(code)} {chr(code)}{chr(code)}c"
    for word in rng.sample(vocabulary, 250):
        yield word
    for _ in range(80):
        yield " ".join(rng.choice(vocabulary) for _ in range(rng.randint(2, 40)))
    for _ in range(350):
        yield tag_prompt(rng)
    for _ in range(250):
        yield sentence(rng)
    for _ in range(250):
        yield characters(rng, rng.randint(1, 60))
    for _ in range(150):
        yield ascii_soup(rng)
    for _ in range(120):
        parts = [rng.choice(rng.choice([TAGS, OTHER_SCRIPTS, EMOJI, PUNCTUATION, NUMBERS, ENTITIES, OBJECT_NAMES, CASES])) for _ in range(rng.randint(2, 12))]
        yield rng.choice([", ", "", " ", "\u3000", "、"]).join(parts)
    # Long ones: many chunks of 75; one word of a thousand letters; a run of one character.
    for count in (10, 20, 40, 80):
        yield ", ".join(tag_prompt(rng) for _ in range(count // 5))
        yield " ".join(sentence(rng) for _ in range(count // 5))
    yield ", ".join(["masterpiece"] * 75)
    yield ", ".join(["masterpiece"] * 76)
    yield from ["a" * 1000, "ab" * 500, "!" * 500, "1" * 300, "あ" * 300, "😀" * 100, "girl" * 200, "aA" * 300, "é" * 200, "e\u0301" * 200]


def main():
    paths = arguments(__doc__, folder="folder with vocab.json and merges.txt")
    from transformers import CLIPTokenizerFast

    tokenizer = CLIPTokenizerFast.from_pretrained(paths.folder)
    vocabulary = sorted({token.removesuffix("</w>") for token in tokenizer.get_vocab() if token.isascii() and not token.startswith("<|")} - {""})
    cases, seen = [], set()
    for prompt in prompts(vocabulary):
        if prompt not in seen:
            seen.add(prompt)
            ids = tokenizer(prompt, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
            cases.append({"prompt": prompt, "ids": ids})
    print(f"{len(cases)} prompts, {sum(len(case['ids']) for case in cases)} ids, longest {max(len(case['ids']) for case in cases)}")
    write_json_gz(f"{paths.out}/tokenizer.json.gz", cases)


if __name__ == "__main__":
    main()
