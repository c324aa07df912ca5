/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C names. Library and declaration names become lower case with underscores; where the interface is called as its
 * library (interface Calculator of library calculator), the name is not repeated.
 */
#include "names.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    struct text *next;
    char characters[];
};

static struct text *texts;

const char *text_of(const char *format, ...)
{
    va_list arguments;
    struct text *text;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = allocate(sizeof(*text) + (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text->characters, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->next = texts;
    texts = text;
    return text->characters;
}

void names_free(void)
{
    while (texts) {
        struct text *next = texts->next;

        free(texts);
        texts = next;
    }
}

/* Does a word start at `name[i]`? At a capital behind a small letter or digit, or before a small letter. */
static bool word_starts(const char *name, size_t i)
{
    if (i == 0 || !isupper((unsigned char)name[i]) || name[i - 1] == '_')
        return false;
    return !isupper((unsigned char)name[i - 1]) || islower((unsigned char)name[i + 1]);
}

const char *snake_case(const char *name)
{
    char *snake = allocate(strlen(name) * 2 + 1);
    const char *kept;
    size_t length = 0;

    for (size_t i = 0; name[i]; i++) {
        if (word_starts(name, i))
            snake[length++] = '_';
        snake[length++] = (char)tolower((unsigned char)name[i]);
    }
    kept = text_of("%s", snake);
    free(snake);
    return kept;
}

const char *upper_case(const char *name)
{
    char *upper = copy_text(name, strlen(name));
    const char *kept;

    for (char *c = upper; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    kept = text_of("%s", upper);
    free(upper);
    return kept;
}

const char *c_stem(const struct declaration *declaration)
{
    const char *library = snake_case(declaration->unit->library.text);
    const char *name = snake_case(declaration->name.text);

    if (declaration->kind == DECLARATION_INTERFACE && strcmp(library, name) == 0)
        return library;
    return text_of("%s_%s", library, name);
}

const char *c_operation(const struct declaration *interface, const struct operation *operation)
{
    return text_of("%s_%s", c_stem(interface), snake_case(operation->name.text));
}

const char *c_type(const struct type *type)
{
    switch (type->kind) {
    case TYPE_INTEGER:
        return text_of("%sint%u_t", type->is_signed ? "" : "u", type->bits);
    case TYPE_FLOAT:
        return type->bits == 32 ? "float" : "double";
    case TYPE_BOOL:
        return "bool";
    case TYPE_STRUCT:
        return text_of("struct %s", c_stem(type->declaration));
    case TYPE_ENUM:
    case TYPE_FLAGS:
    case TYPE_CAPABILITY:
        return text_of("%s_t", c_stem(type->declaration));
    case TYPE_ARRAY:
    case TYPE_SEQUENCE:
        return c_type(type->of);
    case TYPE_BYTES:
    case TYPE_STRING:
    case TYPE_PAGES:
    case TYPE_UNRESOLVED:
        break;
    }
    return "void";
}

const char *c_dimensions(const struct type *type)
{
    if (type->kind != TYPE_ARRAY)
        return "";
    return text_of("[%lu]%s", (unsigned long)type->bound, type->inner ? c_dimensions(type->inner) : "");
}

/* Keywords, names that headers or compilers define as macros, and the parameters that generated functions add. */
static const char *const taken[] = {
    "auto",     "break",   "case",     "char",    "const",   "continue", "default",  "do",       "double",  "else",
    "enum",     "extern",  "float",    "for",     "goto",    "if",       "inline",   "int",      "long",    "register",
    "restrict", "return",  "short",    "signed",  "sizeof",  "static",   "struct",   "switch",   "typedef", "union",
    "unsigned", "void",    "volatile", "while",   "asm",     "typeof",   "bool",     "true",     "false",   "errno",
    "linux",    "unix",    "i386",     "NULL",    "stdin",   "stdout",   "stderr",   "self",     "call",    "object",
    "int8_t",   "int16_t", "int32_t",  "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "size_t",  "message",
};

/* Keywords of C++ besides: clients may be written in it. */
static const char taken_by_cxx[] =
    " alignas alignof and and_eq asm bitand bitor catch char16_t char32_t char8_t class co_await co_return"
    " co_yield compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export"
    " friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public"
    " reinterpret_cast requires static_assert static_cast template this thread_local throw try typeid typename"
    " using virtual wchar_t xor xor_eq ";

bool c_is_taken(const char *name)
{
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return strncmp(name, "idl_", 4) == 0;
}

const char *c_variable(const struct member *member)
{
    const char *name = member->name.text;

    return c_is_taken(name) || strstr(taken_by_cxx, text_of(" %s ", name)) ? text_of("%s_", name) : name;
}

const char *c_handler(const struct operation *operation)
{
    const char *name = snake_case(operation->name.text);

    return c_is_taken(name) ? text_of("%s_", name) : name;
}

const char *c_constant(const struct declaration *declaration, const struct member *member)
{
    return text_of("%s_%s", upper_case(c_stem(declaration)), upper_case(snake_case(member->name.text)));
}
