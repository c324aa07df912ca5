/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types, rights and places in words: see describe.h.
 */
#include "describe.h"

#include "layout.h"
#include "names.h"

#include "abi/capability.h"

#include <inttypes.h>
#include <string.h>

const char *type_kind_name(const struct type *type)
{
    static const char *const names[] = {
        [TYPE_INTEGER] = "integer", [TYPE_FLOAT] = "float",       [TYPE_BOOL] = "bool",
        [TYPE_ENUM] = "enum",       [TYPE_FLAGS] = "flags",       [TYPE_STRUCT] = "struct",
        [TYPE_ARRAY] = "array",     [TYPE_BYTES] = "bytes",       [TYPE_STRING] = "string",
        [TYPE_PAGES] = "pages",     [TYPE_SEQUENCE] = "sequence", [TYPE_CAPABILITY] = "capability",
    };

    return names[type->kind];
}

const char *declaration_text(const struct declaration *declaration)
{
    return text_of("%s.%s", declaration->unit->library.text, declaration->name.text);
}

const char *rights_text(unsigned rights)
{
    static const char *const names[] = {"read", "write", "execute", "copy"};
    static const unsigned bits[] = {RIGHT_READ, RIGHT_WRITE, RIGHT_EXECUTE, RIGHT_COPY};
    const char *text = "";

    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (rights & bits[i])
            text = text_of("%s%s%s", text, *text ? ", " : "", names[i]);
    return text;
}

const char *type_text(const struct type *type)
{
    switch (type->kind) {
    case TYPE_INTEGER:
        return text_of("%c%u", type->is_signed ? 'i' : 'u', type->bits);
    case TYPE_FLOAT:
        return text_of("f%u", type->bits);
    case TYPE_BOOL:
        return "bool";
    case TYPE_ENUM:
    case TYPE_FLAGS:
    case TYPE_STRUCT:
        return declaration_text(type->declaration);
    case TYPE_ARRAY:
        return text_of("%s%s", type_text(type->of), c_dimensions(type));
    case TYPE_SEQUENCE:
        return text_of("sequence<%s, %" PRIu64 ">", type_text(type->of), type->bound);
    case TYPE_BYTES:
    case TYPE_STRING:
        return text_of("%s<%" PRIu64 ">", type_kind_name(type), type->length);
    case TYPE_PAGES:
        return text_of("%s<%s>%s", type->lent ? "lend" : "pages", rights_text(type->rights), type->move ? " move" : "");
    case TYPE_CAPABILITY:
        return text_of("cap<%s%s%s>%s", declaration_text(type->declaration), type->rights ? ", " : "",
                       rights_text(type->rights), type->move ? " move" : "");
    case TYPE_UNRESOLVED:
        break;
    }
    return "?";
}

const char *decimal_text(uint64_t number, bool is_signed)
{
    if (is_signed)
        return text_of("%" PRId64, (int64_t)number);
    return text_of("%" PRIu64, number);
}

uint64_t member_number(const struct declaration *declaration, const struct member *member)
{
    return declaration->kind == DECLARATION_FLAGS ? (uint64_t)1 << member->number : member->number;
}

static const char *words_text(uint64_t first, uint64_t count)
{
    if (count == 1)
        return text_of("word %" PRIu64, first);
    return text_of("words %" PRIu64 " to %" PRIu64, first, first + count - 1);
}

const char *place_text(const struct member *member)
{
    if (member_is_item(member) && type_is_blob(member->type))
        return text_of("item %" PRIu64 " (string %" PRIu64 ")", member->item, member->string);
    if (member_is_item(member))
        return text_of("item %" PRIu64, member->item);
    if (member->data_words)
        return text_of("length in word %" PRIu64 ", bytes in %s", member->first_word,
                       words_text(member->data_word, member->data_words));
    return words_text(member->first_word, member->words_count);
}

const char *operation_kind_name(const struct operation *operation)
{
    static const char *const names[] = {"call", "oneway", "event"};

    return names[operation->kind];
}
