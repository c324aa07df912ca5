/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The syntax tree of an IDL file: what the parser builds, the checks complete, and the emitters read.
 *
 * Every node owns its strings and children; ast_free_*() frees a node with all that it owns. Lists are singly linked
 * through `next` and know their last node. Fields under "filled in by" are zero until that pass ran. Pointers named
 * `declaration`, `unit` and `errors` point across the tree and own nothing.
 */
#ifndef IDLC_AST_H
#define IDLC_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;

/* A place in a source file; lines and columns count from 1, columns in bytes; the end is just behind the last byte. */
struct span {
    const struct source *source;
    int line, column, end_line, end_column;
};

struct name {
    char *text;
    struct span span;
};

#define AST_LIST(type)             \
    struct type##_list {           \
        struct type *first, *last; \
    };                             \
    struct type##_list ast_append_##type(struct type##_list list, struct type *node)

/* A number, a (perhaps qualified) name, a duration such as 5s, or an expression of them. */
enum value_kind { VALUE_NUMBER, VALUE_NAME, VALUE_DURATION, VALUE_NEGATED, VALUE_BINARY };

struct value {
    enum value_kind kind;
    struct span span;
    char *text;                 /* number and duration: as spelled, without the sign; name: the name; else NULL */
    char *library;              /* qualifier of a name, or NULL */
    bool negative;              /* number: a minus stood before it */
    uint64_t magnitude;         /* number: without the sign */
    char operation;             /* binary: + - * / % & | ^, or < for << */
    bool parentheses;           /* stand around it */
    unsigned depth;             /* of the expression: 0 for a number or name */
    struct value *left, *right; /* binary; negated: right */
    struct value *next;
};
AST_LIST(value);

enum type_kind {
    TYPE_UNRESOLVED,
    TYPE_INTEGER,
    TYPE_FLOAT,
    TYPE_BOOL,
    TYPE_ENUM,
    TYPE_FLAGS,
    TYPE_STRUCT, /* and whatever else C has as a struct: union, table, optional, a sequence inside of another type */
    TYPE_ARRAY,
    TYPE_CAPABILITY,
    TYPE_BYTES,
    TYPE_STRING,
    TYPE_SEQUENCE, /* as a parameter */
    TYPE_PAGES,
};

struct declaration;

struct type {
    struct span span;
    char *library; /* qualifier, or NULL */
    char *name;    /* NULL for an array */
    bool has_arguments;
    struct value_list arguments; /* what stands between < and > */
    bool move;                   /* capability: the sender loses it */
    struct type *element;        /* array */
    struct value *count;         /* array */
    /* filled in by the checks; where an alias stands, what it stands for */
    enum type_kind kind;
    bool alias_moves;                /* the alias says `move` already */
    struct type *of;                 /* array: of what, the innermost; sequence: of what */
    const struct type *inner;        /* array of arrays: those */
    struct type *argument;           /* optional, sequence: the type between < and >; owned */
    struct declaration *declaration; /* enum, flags, struct; interface of a capability */
    unsigned bits;                   /* integer, float, enum, flags: 8, 16, 32 or 64 */
    bool is_signed;                  /* integer */
    unsigned rights;                 /* capability, pages: RIGHT_* that are named, 0 for none */
    bool lent;                       /* pages: taken back when the operation has ended */
    uint64_t length; /* array: elements in all; bytes, string and (by the layout) sequence: most bytes */
    uint64_t bound;  /* array: how many of `inner`; sequence: most elements */
    /* filled in by the layout */
    uint64_t size, alignment; /* bytes, as in C */
};

/* A field of a struct, a member of an enum, flags, errors or table, or a parameter. */
struct member {
    struct name name;
    char *doc;
    struct span span;
    struct type *type;   /* field, parameter, row of a table */
    struct value *value; /* member of enum, flags, errors; number of a row */
    bool out, inout;     /* parameter written `out name: type`; `inout`: out as well */
    bool retired;        /* row of a table that nobody uses any more */
    struct member *next;
    /* filled in by the checks */
    uint64_t number; /* value of an enum, flags or errors member; two's complement where negative */
    /* filled in by the layout */
    struct member *in;    /* parameter that is inout: the same as an input; owned, but for what it points to */
    bool also_out;        /* that one */
    uint64_t offset;      /* field: byte in the struct */
    uint64_t padding;     /* field: bytes of padding before it */
    uint64_t first_word;  /* parameter in words: place in the message */
    uint64_t words_count; /* parameter in words: 0 if it travels as an item */
    uint64_t item;        /* parameter as an item: its place */
    unsigned position;    /* parameter: its number in refusals, from 1: inputs first, then outputs */
    /* bytes and string: in words, the length stands at first_word, and these hold the bytes */
    uint64_t data_word, data_words;
    uint64_t capacity_word; /* ... as a result: word of the request that says how much the caller takes */
    uint64_t string;        /* ... as an item: which of the message's strings it is */
};
AST_LIST(member);

struct attribute {
    struct name name;
    struct value_list arguments;
    struct attribute *next;
};
AST_LIST(attribute);

/* What stands before a declaration or an operation. */
struct prefix {
    char *doc;
    struct attribute_list attributes;
};

/* One direction of an operation, filled in by the layout. */
struct message_shape {
    uint64_t words, items, strings; /* strings are items too */
};

enum operation_kind { OPERATION_CALL, OPERATION_ONEWAY, OPERATION_EVENT };

struct operation {
    enum operation_kind kind;
    struct name name;
    struct prefix prefix;
    struct span span;
    struct value *number;          /* NULL if it was left out */
    struct member_list parameters; /* in (and out, where so marked) */
    struct member_list results;    /* behind the arrow */
    struct value *raises;          /* name, or NULL */
    struct operation *next;
    /* filled in by the checks */
    unsigned right;             /* @right: RIGHT_* that the capability needs */
    bool fits;                  /* @fits(registers) */
    uint64_t timeout;           /* @timeout: nanoseconds, 0 for none */
    bool deferred;              /* @deferred */
    struct declaration *errors; /* what `raises` names */
    /* filled in by the layout */
    struct message_shape request, reply;
    struct member **inputs, **outputs; /* the parameters of each direction, in the order of the C function's */
    size_t inputs_count, outputs_count;
};
AST_LIST(operation);

enum declaration_kind {
    DECLARATION_ALIAS,
    DECLARATION_CONST,
    DECLARATION_ENUM,
    DECLARATION_FLAGS,
    DECLARATION_ERRORS,
    DECLARATION_STRUCT,
    DECLARATION_TABLE,
    DECLARATION_INTERFACE,
    DECLARATION_UNION,
    DECLARATION_OPTIONAL, /* made by the checks: members `present` and `value` */
    DECLARATION_SEQUENCE, /* made by the checks, for one inside of another type: members `count` and `items` */
};

struct unit;

struct declaration {
    enum declaration_kind kind;
    struct name name;
    struct prefix prefix;
    struct span span;
    struct type *type;                /* const, alias; underlying type of enum and flags, NULL if left out */
    struct value *value;              /* const; interface: name of its base, or NULL */
    struct member_list members;       /* enum, flags, errors, struct, table, union */
    struct operation_list operations; /* interface, without its events */
    struct declaration *events;    /* interface with events: what the parser made of them, an interface of their own */
    struct declaration *events_of; /* that one: the interface that they stand in */
    struct declaration *next;
    struct unit *unit;
    /* filled in by the checks */
    uint64_t number;          /* const: value, two's complement where negative; interface: id; struct: height */
    uint64_t room;            /* table: @room, its size in bytes; union, by the layout: bytes behind the tag */
    int visit;                /* const, struct, alias, interface: progress of the search for cycles */
    bool broken;              /* const, struct: an error was reported, do not use */
    bool kernel;              /* interface: @kernel */
    bool open;                /* enum: @open */
    struct declaration *base; /* interface */
    uint64_t all;             /* flags: every known bit */
    unsigned bits;            /* enum, flags: width of the underlying type */
    bool is_signed;           /* enum: of the underlying type */
    /* filled in by the layout */
    uint64_t size, alignment, tail; /* struct: bytes as in C; padding at its end */
    bool has_padding, has_checked;  /* struct: anywhere inside: padding; bool, enum or flags */
    bool laid_out;
    int emitted; /* number of the output that holds it already */
};
AST_LIST(declaration);

struct import {
    char *path; /* as spelled */
    struct prefix prefix;
    struct span span;
    struct import *next;
    struct unit *unit; /* filled in when it was read; NULL if it could not be */
};
AST_LIST(import);

/* A comment that is not a doc comment, kept for the formatter. */
struct comment {
    char *text;
    struct span span;
    bool own_line; /* nothing but space stands before it */
    struct comment *next;
};
AST_LIST(comment);

/* One file. */
struct unit {
    struct source *source;
    char *doc;
    struct name library; /* empty, after a syntax error, if the file does not say */
    struct import_list imports;
    struct declaration_list declarations;
    struct declaration_list derived; /* made by the checks: optionals, sequences */
    struct comment_list comments;
    bool incomplete; /* syntax errors were reported: something may be missing */
    struct unit *next;
};
AST_LIST(unit);

/* Memory that is there, or the end of the program with a message. */
void *allocate(size_t size);
char *copy_text(const char *text, size_t length);

/* Constructors: take over what they are given. */
struct value *ast_number(struct span span, char *text);
struct value *ast_negative(struct span span, struct value *number);
struct value *ast_duration(struct span span, char *text);
struct value *ast_binary(struct span span, char operation, struct value *left, struct value *right);
struct value *ast_parentheses(struct span span, struct value *value);
struct value *ast_name_value(struct span span, char *library, char *text);
struct type *ast_type(struct span span, char *library, char *name);
struct type *ast_generic_type(struct span span, char *library, char *name, struct value_list arguments);
struct type *ast_array_type(struct span span, struct type *element, struct value *count);
struct type *ast_moved(struct span span, struct type *type);
struct member *ast_member(struct span span, char *doc, struct name name, struct type *type, struct value *value);
struct attribute *ast_attribute(struct name name, struct value_list arguments);
struct operation *ast_operation(struct span span, struct name name, struct value *number, struct member_list parameters,
                                struct member_list results, struct value *raises);
struct operation *ast_prefixed_operation(struct prefix prefix, enum operation_kind kind, struct operation *operation);
struct declaration *ast_declaration(struct span span, enum declaration_kind kind, struct name name, struct type *type,
                                    struct value *value);
/* Enum, flags (of an underlying type, or NULL), errors, struct, table, union. */
struct declaration *ast_group(struct span span, enum declaration_kind kind, struct name name, struct type *underlying,
                              struct member_list members);
struct declaration *ast_with_operations(struct declaration *declaration, struct operation_list operations);
struct declaration *ast_prefixed(struct prefix prefix, struct declaration *declaration);
/* A type of the same name and meaning, without what only the formatter reads. */
struct type *ast_copy_type(const struct type *type);
struct import *ast_import(struct span span, char *path);
struct import *ast_prefixed_import(struct prefix prefix, struct import *import);
/* `doc` and `line` joined by a newline. */
char *ast_join_doc(char *doc, char *line);

void ast_free_value(struct value *value);
void ast_free_values(struct value_list list);
void ast_free_type(struct type *type);
void ast_free_members(struct member_list list);
void ast_free_attributes(struct attribute_list list);
void ast_free_prefix(struct prefix prefix);
void ast_free_operations(struct operation_list list);
void ast_free_declaration(struct declaration *declaration);
void ast_free_import(struct import *import);
/* With its declarations, imports and comments, but not the source. */
void ast_free_unit(struct unit *unit);

/* Is it a struct in C: struct, union, table, optional, sequence? */
bool declaration_is_struct(const struct declaration *declaration);
/* "interface", "struct"... for messages. */
const char *declaration_kind_name(enum declaration_kind kind);

#endif
