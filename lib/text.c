/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is it text? UTF-8 as table 3-7 of the Unicode standard has it: shortest forms only, no surrogates, nothing above
 * U+10FFFF; and no U+0000, so that a terminator can stand behind it.
 */
#include "salto/idl.h"

/* What may follow a lead byte: how many bytes in all, and the range of the second. The others are 0x80 to 0xbf. */
struct sequence {
    unsigned length;
    uint8_t least, most;
};

static struct sequence sequence_of(uint8_t lead)
{
    if (lead < 0xc2)
        return (struct sequence){0, 0, 0};
    if (lead < 0xe0)
        return (struct sequence){2, 0x80, 0xbf};
    if (lead < 0xf0)
        return (struct sequence){3, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf};
    if (lead < 0xf5)
        return (struct sequence){4, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf};
    return (struct sequence){0, 0, 0};
}

/* Bytes of the character at `bytes`, of which there are `size`; 0 if it is none. */
static unsigned character_length(const uint8_t *bytes, size_t size)
{
    struct sequence sequence = sequence_of(bytes[0]);

    if (sequence.length == 0 || sequence.length > size || bytes[1] < sequence.least || bytes[1] > sequence.most)
        return 0;
    for (unsigned i = 2; i < sequence.length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return sequence.length;
}

/* Are all eight bytes of `word` 1 to 127? The sum carries into the top bit of a byte unless the byte is zero. */
static bool is_plain(uint64_t word)
{
    const uint64_t tops = 0x8080808080808080, ones = 0x7f7f7f7f7f7f7f7f;

    return (word & tops) == 0 && ((word + ones) & tops) == tops;
}

bool idl_is_text(const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t i = 0;

    while (i < size) {
        uint64_t word;
        unsigned length = 1;

        while (size - i >= sizeof(word)) {
            __builtin_memcpy(&word, bytes + i, sizeof(word));
            if (!is_plain(word))
                break;
            i += sizeof(word);
        }
        if (i == size)
            break;
        if (bytes[i] - 1u >= 0x7f)
            length = character_length(bytes + i, size - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
