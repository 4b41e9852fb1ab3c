"""Writes src/unicode/tables.ts: the character properties that Hugging Face's tokenizers library uses.

They come from several Unicode versions (its crates unicode_categories, unicode-normalization-alignments, regex and
unicode-segmentation, Rust's standard library, Oniguruma), so the library itself is asked about every code point.

    python make_unicode_tables.py    (needs `pip install tokenizers==0.22.2`)
"""
import pathlib
import struct

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

VERSION = '0.22.2'
assert tokenizers.__version__ == VERSION, tokenizers.__version__
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CHARACTERS = [chr(c) for c in SCALARS]


def bert(**options):
    chosen = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**chosen, **options}).normalize_str


def where(test):
    return [c for c, character in zip(SCALARS, CHARACTERS) if test(character)]


def pieces(pre_tokenizer, text):
    return [piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)]


clean = bert(clean_text=True)
strip = bert(strip_accents=True)
nfd = normalizers.NFD().normalize_str
nfkd = normalizers.NFKD().normalize_str
lower = normalizers.Lowercase().normalize_str
strip_accents = normalizers.StripAccents().normalize_str
bert_words = pre_tokenizers.BertPreTokenizer()
words = pre_tokenizers.Whitespace()
white_space = pre_tokenizers.WhitespaceSplit()
digits = pre_tokenizers.Digits(individual_digits=True)


def onig(pattern):
    split = pre_tokenizers.Split(Regex(pattern), 'removed')
    return where(lambda c: not split.pre_tokenize_str(c))


sets = {}
sets['WHITE_SPACE'] = where(lambda c: not white_space.pre_tokenize_str(c))
sets['REMOVED'] = where(lambda c: clean(c) == '')
spaces, removed = set(sets['WHITE_SPACE']), set(sets['REMOVED'])
unlike = spaces | removed
assert all(clean(chr(c)) in ('', ' ') for c in spaces)
assert all(clean(chr(c)) == chr(c) for c in SCALARS if c not in unlike)
sets['PUNCTUATION'] = where(lambda c: len(pieces(bert_words, f'a{c}a')) == 3)
sets['WORD'] = where(lambda c: c.strip() != '' and pieces(words, f'a{c}') == [f'a{c}'])
sets['NUMERIC'] = where(lambda c: len(pieces(digits, f'a{c}a')) == 3)
sets['LETTER'] = onig(r'\p{L}')
sets['NUMBER'] = onig(r'\p{N}')
sets['SPACE'] = onig(r'\s')
sets['COMBINING'] = where(lambda c: strip_accents(c) == '')
sets['NONSPACING'] = where(lambda c: strip(c) == '' and nfd(c) == c)

# Normalisation: what decomposes, what has a combining class, and what decompositions consist of. All else is inert.
decompositions = {c: nfkd(chr(c)) for c in SCALARS if nfkd(chr(c)) != chr(c)}
canonical = {c: nfd(chr(c)) for c in SCALARS if nfd(chr(c)) != chr(c)}
assert set(canonical) <= set(decompositions)


def reorders(c):
    """A combining class: it moves behind an overlay (class 1), or before a comma above right (class 232)."""
    return nfd(f'a{c}\u0334') != f'a{c}\u0334' or nfd(f'a\u0315{c}') != f'a\u0315{c}'


marks = {c for c in SCALARS if c not in decompositions and reorders(chr(c))} | {0x315, 0x334}
parts = {ord(p) for texts in (decompositions, canonical) for text in texts.values() for p in text}
sets['NORMALIZING'] = sorted(set(decompositions) | marks | parts)
nonspacing = set(sets['NONSPACING'])
sets['KEPT_MARK'] = sorted(
    {c for c in marks if c not in nonspacing}
    | {c for c in canonical if any(ord(p) in marks and ord(p) not in nonspacing for p in canonical[c])}
)
# The normaliser of BERT is NFD without the marks, character by character, wherever no kept mark stands.
assert all(strip(chr(c)) == ''.join(p for p in canonical.get(c, chr(c)) if ord(p) not in nonspacing) for c in SCALARS)


# Grapheme clusters. A cluster below 6 bytes is looked up as a whole and its shortest prefix wins: with a map of a few
# letters, a mark that vanishes shows that it stands in the cluster of the letter before it.
def charsmap(replacements):
    """A Darts double array (as darts-clone lays it out) for a few keys, then the replacements."""
    units, used, blob = {0: 0}, {0}, b''

    def place(node, keys):
        nonlocal blob
        labels = sorted({key[:1] for key, _ in keys})
        base = next(
            b for b in range(1, 1 << 20) if all((node ^ b ^ (l[0] if l else 0)) not in used for l in labels)
        )
        base_position = node ^ base
        units[node] |= base << 10
        for label in labels:
            used.add(base_position ^ (label[0] if label else 0))
        for label in labels:
            child = base_position ^ (label[0] if label else 0)
            if not label:
                units[node] |= 1 << 8
                units[child] = (1 << 31) | len(blob)
                blob += next(v for k, v in keys if k == b'') + b'\0'
            else:
                units[child] = label[0]
                place(child, [(k[1:], v) for k, v in keys if k[:1] == label])

    place(0, [(k.encode(), v.encode()) for k, v in replacements.items()])
    size = (max(units) // 256 + 1) * 256
    array = struct.pack(f'<{size}I', *(units.get(i, 0) for i in range(size)))
    return struct.pack('<I', len(array)) + array + blob


KA, LINKER, L, V, T, ZWJ = '\u0915', '\u094d', '\u1100', '\u1161', '\u11a8', '\u200d'
probe = normalizers.Precompiled(
    charsmap({'a': 'A', '\u00a9': 'B', KA: 'C', L: 'D', V: 'E', T: 'F', '\u0600': 'G'})
).normalize_str
assert probe('a\u0301') == 'A' and probe('ab') == 'Ab'


def joined(context, last):
    """No boundary between the context and its last letter, which is mapped."""
    return probe(f'{context}{last}\u0301').endswith('\u0301')


extending = where(lambda c: probe(f'a{c}') == 'A')
prepend = where(lambda c: joined(c, 'a'))
ahead = set(prepend)
control = where(lambda c: len(c.encode()) < 4 and probe(f'\u0600{c}') != 'G')
spacing = [c for c in extending if chr(c) != ZWJ and not joined(f'\u00a9{chr(c)}{ZWJ}', '\u00a9')]
extend = sorted(set(extending) - set(spacing) - {ord(ZWJ)})
l_like = {c for c in where(lambda c: joined(c, L)) if c not in ahead}
v_like = {c for c in where(lambda c: joined(c, V)) if c not in ahead and c not in l_like}
t_like = {c for c in where(lambda c: joined(c, T)) if c not in ahead and c not in v_like}
syllables = range(0xAC00, 0xD7A4)
clusters = {
    'EXTEND': extend,
    'SPACING': spacing,
    'PREPEND': prepend,
    'CONTROL': [c for c in control if c not in (10, 13)],
    'PICTOGRAPH': where(lambda c: joined(f'{c}{ZWJ}', '\u00a9')),
    'REGIONAL': list(range(0x1F1E6, 0x1F200)),
    'HANGUL_L': l_like,
    'HANGUL_V': [c for c in v_like if c not in syllables],
    'HANGUL_T': [c for c in t_like if c not in syllables],
    'HANGUL_LV': [c for c in v_like if c in syllables],
    'HANGUL_LVT': [c for c in t_like if c in syllables],
}
conjunct = {
    'CONSONANT': [c for c in where(lambda c: joined(f'{c}{LINKER}', KA)) if c not in ahead],
    'LINKER': where(lambda c: joined(f'{KA}{c}', KA) and ord(c) not in ahead),
    'CONJUNCT_EXTEND': where(lambda c: joined(f'{KA}{LINKER}{c}', KA) and ord(c) not in ahead),
}
conjunct['CONJUNCT_EXTEND'] = sorted(set(conjunct['CONJUNCT_EXTEND']) - set(conjunct['LINKER']))
sets |= clusters | conjunct


def base36(number):
    digits = '0123456789abcdefghijklmnopqrstuvwxyz'
    text = ''
    while True:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
        if number == 0:
            return text


def ranges(code_points):
    """Gap and length by turns, in base 36."""
    out, last = [], 0
    code_points = sorted(code_points)
    i = 0
    while i < len(code_points):
        j = i
        while j + 1 < len(code_points) and code_points[j + 1] == code_points[j] + 1:
            j += 1
        out += [base36(code_points[i] - last), base36(j - i + 1)]
        last = code_points[j] + 1
        i = j + 1
    return ' '.join(out)


lowered = [(c, lower(chr(c))) for c in SCALARS if lower(chr(c)) != chr(c)]
odd = [(c, text) for c, text in lowered if len(text) != 1]
plain = [(c, ord(text)) for c, text in lowered if len(text) == 1]
runs, i = [], 0
while i < len(plain):
    first, delta = plain[i][0], plain[i][1] - plain[i][0]
    best = (1, 1)
    for step in (1, 2):
        count = 1
        while i + count < len(plain) and plain[i + count] == (first + step * count, first + step * count + delta):
            count += 1
        best = max(best, (count, step))
    runs.append(f'{first:x} {best[0]} {best[1]} {delta}')
    i += best[0]

lines = [
    '// Generated by tools/make_unicode_tables.py: do not edit.',
    '',
    f'/** The version of the tokenizers library that was asked about each code point. */',
    f"export const TOKENIZERS_VERSION = '{VERSION}';",
    '',
    '/** Sets of code points: gap and length by turns, in base 36. */',
    'export const SETS = {',
    *(f"  {name}: '{ranges(points)}'," for name, points in sets.items()),
    '} as const;',
    '',
    '/** Lower case: first code point (base 16), how many, step between them, difference; then those that become several. */',
    f"export const LOWER_CASE_RUNS = '{','.join(runs)}';",
    f"export const LOWER_CASE_TEXTS: readonly (readonly [number, string])[] = {[[c, t.encode('unicode_escape').decode()] for c, t in odd]};".replace('\\\\u', '\\u'),
    '',
]
target = pathlib.Path(__file__).parent.parent / 'src/unicode/tables.ts'
target.parent.mkdir(exist_ok=True)
target.write_text('\n'.join(lines))
print({name: len(points) for name, points in sets.items()}, len(runs), odd, target.stat().st_size)
