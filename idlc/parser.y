%code top {
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grammar of the interface language. It builds the tree and nothing else: what a name means, and whether anything fits,
 * is for the checks. After a syntax error it goes on behind the next `;` or `}`, so that one run finds all.
 */
}

%require "3.8"
%define api.pure full
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%locations
%param {void *scanner}
%parse-param {struct unit *unit}

%code requires {
#include "ast.h"

#define YYLLOC_DEFAULT(current, rhs, count)                              \
    do {                                                                 \
        (current) = YYRHSLOC(rhs, (count) ? 1 : 0);                      \
        (current).end_line = YYRHSLOC(rhs, (count)).end_line;            \
        (current).end_column = YYRHSLOC(rhs, (count)).end_column;        \
    } while (0)
}

%union {
    char *text;
    const char *keyword; /* how a keyword is spelled, for where it is a name */
    struct name name;
    struct value *value;
    struct value_list values;
    struct type *type;
    struct member *member;
    struct member_list members;
    struct attribute *attribute;
    struct prefix prefix;
    struct operation *operation;
    struct operation_list operations;
    struct declaration *declaration;
}

%code {
#include "diagnostics.h"
#include "lexer.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

int yylex(YYSTYPE *value, struct span *span, void *scanner);
int yylex_init_extra(struct lexer_state *state, void **scanner);
int yylex_destroy(void *scanner);
struct yy_buffer_state *yy_scan_bytes(const char *bytes, int length, void *scanner);
static void yyerror(struct span *span, void *scanner, struct unit *unit, const char *text);
}

%destructor { free($$); } <text>
%destructor { free($$.text); } <name>
%destructor { ast_free_value($$); } <value>
%destructor { ast_free_values($$); } <values>
%destructor { ast_free_type($$); } <type>
%destructor { ast_free_members((struct member_list){$$, $$}); } <member>
%destructor { ast_free_members($$); } <members>
%destructor { ast_free_attributes((struct attribute_list){$$, $$}); } <attribute>
%destructor { ast_free_prefix($$); } <prefix>
%destructor { ast_free_operations((struct operation_list){$$, $$}); } <operation>
%destructor { ast_free_operations($$); } <operations>
%destructor { ast_free_declaration($$); } <declaration>

%token <text> NAME "a name" NUMBER "a number" DURATION "a duration" STRING "a string" DOC "a doc comment"
%token <keyword> LIBRARY "'library'" IMPORT "'import'" CONST "'const'" ENUM "'enum'" FLAGS "'flags'" ERRORS "'errors'"
%token <keyword> STRUCT "'struct'" TABLE "'table'" INTERFACE "'interface'" ONEWAY "'oneway'" EVENT "'event'" OUT "'out'"
%token <keyword> INOUT "'inout'" UNION "'union'" RETIRED "'retired'" ALIAS "'alias'" MOVE "'move'" RAISES "'raises'"
%token SHIFT "'<<'" ARROW "'->'"
%token END 0 "the end of the file"

%left '|'
%left '^'
%left '&'
%left SHIFT
%left '+' '-'
%left '*' '/' '%'
%precedence NEGATION

%type <text> doc word
%type <keyword> keyword
%type <name> name
%type <value> value number operation_number raises base
%type <values> values
%type <type> type base_type underlying
%type <member> member field row parameter
%type <members> members fields rows parameters parameter_list results
%type <attribute> attribute
%type <prefix> prefix
%type <operation> operation signature
%type <operations> operations
%type <declaration> declaration

%%

file:
    library items
|   error items
;

library:
    doc LIBRARY name ';'    { unit->doc = $1; unit->library = $3; }
;

items:
    %empty
|   items prefix IMPORT STRING ';' {
        unit->imports = ast_append_import(unit->imports, ast_prefixed_import($2, ast_import(@4, $4)));
    }
|   items prefix declaration { unit->declarations = ast_append_declaration(unit->declarations, ast_prefixed($2, $3)); }
|   items error ';'
|   items error '}'
;

prefix:
    doc                     { $$ = (struct prefix){.doc = $1}; }
|   prefix attribute        { $$ = $1; $$.attributes = ast_append_attribute($$.attributes, $2); }
;

doc:
    %empty                  { $$ = NULL; }
|   doc DOC                 { $$ = ast_join_doc($1, $2); }
;

attribute:
    '@' NAME                { $$ = ast_attribute((struct name){$2, @2}, (struct value_list){0}); }
|   '@' NAME '(' values ')' { $$ = ast_attribute((struct name){$2, @2}, $4); }
;

declaration:
    ALIAS name '=' type ';'             { $$ = ast_declaration(@$, DECLARATION_ALIAS, $2, $4, NULL); }
|   CONST name ':' type '=' value ';'   { $$ = ast_declaration(@$, DECLARATION_CONST, $2, $4, $6); }
|   ENUM name underlying '{' members '}'    { $$ = ast_group(@$, DECLARATION_ENUM, $2, $3, $5); }
|   FLAGS name underlying '{' members '}'   { $$ = ast_group(@$, DECLARATION_FLAGS, $2, $3, $5); }
|   ERRORS name '{' members '}'             { $$ = ast_group(@$, DECLARATION_ERRORS, $2, NULL, $4); }
|   STRUCT name '{' fields '}'              { $$ = ast_group(@$, DECLARATION_STRUCT, $2, NULL, $4); }
|   TABLE name '{' rows '}'                 { $$ = ast_group(@$, DECLARATION_TABLE, $2, NULL, $4); }
|   UNION name '{' rows '}'                 { $$ = ast_group(@$, DECLARATION_UNION, $2, NULL, $4); }
|   INTERFACE name base '{' operations '}' {
        $$ = ast_with_operations(ast_declaration(@$, DECLARATION_INTERFACE, $2, NULL, $3), $5);
    }
;

base:
    %empty                  { $$ = NULL; }
|   ':' word                { $$ = ast_name_value(@2, NULL, $2); }
|   ':' word '.' word       { $$ = ast_name_value(@$, $2, $4); $$->span.column = @2.column; }
;

underlying:
    %empty                  { $$ = NULL; }
|   ':' type                { $$ = $2; }
;

members:
    %empty                  { $$ = (struct member_list){0}; }
|   members member          { $$ = ast_append_member($1, $2); }
|   members error ';'       { $$ = $1; }
;

member:
    doc name '=' value ';'  { $$ = ast_member(@2, $1, $2, NULL, $4); $$->span.end_line = @5.end_line; }
;

fields:
    %empty                  { $$ = (struct member_list){0}; }
|   fields field            { $$ = ast_append_member($1, $2); }
|   fields error ';'        { $$ = $1; }
;

field:
    doc name ':' type ';'   { $$ = ast_member(@2, $1, $2, $4, NULL); $$->span.end_line = @5.end_line; }
;

rows:
    %empty                  { $$ = (struct member_list){0}; }
|   rows row                { $$ = ast_append_member($1, $2); }
|   rows error ';'          { $$ = $1; }
;

row:
    doc number ':' name ':' type ';' { $$ = ast_member(@4, $1, $4, $6, $2); $$->span.end_line = @7.end_line; }
|   doc RETIRED number ':' name ':' type ';' {
        $$ = ast_member(@5, $1, $5, $7, $3);
        $$->retired = true;
        $$->span.end_line = @8.end_line;
    }
;

operations:
    %empty                  { $$ = (struct operation_list){0}; }
|   operations operation    { $$ = ast_append_operation($1, $2); }
|   operations error ';'    { $$ = $1; }
;

operation:
    prefix signature        { $$ = ast_prefixed_operation($1, OPERATION_CALL, $2); }
|   prefix ONEWAY signature { $$ = ast_prefixed_operation($1, OPERATION_ONEWAY, $3); }
|   prefix EVENT signature  { $$ = ast_prefixed_operation($1, OPERATION_EVENT, $3); }
;

signature:
    name operation_number '(' parameters ')' results raises ';' { $$ = ast_operation(@$, $1, $2, $4, $6, $7); }
;

operation_number:
    %empty                  { $$ = NULL; }
|   '@' number              { $$ = $2; }
;

results:
    %empty                  { $$ = (struct member_list){0}; }
|   ARROW '(' parameters ')' { $$ = $3; }
;

raises:
    %empty                  { $$ = NULL; }
|   RAISES word             { $$ = ast_name_value(@2, NULL, $2); }
|   RAISES word '.' word    { $$ = ast_name_value(@$, $2, $4); $$->span.column = @2.column; }
;

parameters:
    %empty                  { $$ = (struct member_list){0}; }
|   parameter_list
;

parameter_list:
    parameter               { $$ = ast_append_member((struct member_list){0}, $1); }
|   parameter_list ',' parameter { $$ = ast_append_member($1, $3); }
;

parameter:
    name ':' type           { $$ = ast_member(@1, NULL, $1, $3, NULL); }
|   OUT name ':' type       { $$ = ast_member(@2, NULL, $2, $4, NULL); $$->out = true; }
|   INOUT name ':' type     { $$ = ast_member(@2, NULL, $2, $4, NULL); $$->out = $$->inout = true; }
;

type:
    base_type
|   base_type MOVE          { $$ = ast_moved(@$, $1); }
|   type '[' value ']'      { $$ = ast_array_type(@$, $1, $3); }
;

base_type:
    word                    { $$ = ast_type(@$, NULL, $1); }
|   word '.' word           { $$ = ast_type(@$, $1, $3); }
|   word '<' values '>'     { $$ = ast_generic_type(@$, NULL, $1, $3); }
;

values:
    value                   { $$ = ast_append_value((struct value_list){0}, $1); }
|   values ',' value        { $$ = ast_append_value($1, $3); }
;

value:
    number
|   '-' value %prec NEGATION { $$ = ast_negative(@$, $2); }
|   DURATION                { $$ = ast_duration(@1, $1); }
|   word                    { $$ = ast_name_value(@1, NULL, $1); }
|   word '.' word           { $$ = ast_name_value(@$, $1, $3); }
|   '(' value ')'           { $$ = ast_parentheses(@$, $2); }
|   value '|' value         { $$ = ast_binary(@$, '|', $1, $3); }
|   value '^' value         { $$ = ast_binary(@$, '^', $1, $3); }
|   value '&' value         { $$ = ast_binary(@$, '&', $1, $3); }
|   value SHIFT value       { $$ = ast_binary(@$, '<', $1, $3); }
|   value '+' value         { $$ = ast_binary(@$, '+', $1, $3); }
|   value '-' value         { $$ = ast_binary(@$, '-', $1, $3); }
|   value '*' value         { $$ = ast_binary(@$, '*', $1, $3); }
|   value '/' value         { $$ = ast_binary(@$, '/', $1, $3); }
|   value '%' value         { $$ = ast_binary(@$, '%', $1, $3); }
;

number:
    NUMBER                  { $$ = ast_number(@1, $1); }
;

name:
    word                    { $$ = (struct name){$1, @1}; }
;

/* Keywords are names where nothing else can stand. */
word:
    NAME
|   keyword                 { $$ = copy_text($1, strlen($1)); }
;

keyword:
    LIBRARY | IMPORT | ALIAS | CONST | ENUM | FLAGS | ERRORS | STRUCT | TABLE | UNION | RETIRED | INTERFACE | ONEWAY
|   EVENT | OUT | INOUT | MOVE | RAISES
;

%%

#define MAX_EXPECTED 4
#define MAX_TOKENS 64

/* Operators could stand behind any value: to say so helps nobody. */
static bool is_operator(yysymbol_kind_t symbol)
{
    return strlen(yysymbol_name(symbol)) == 3 ? strchr("|^&+-*/%", yysymbol_name(symbol)[1]) != NULL :
                                                symbol == YYSYMBOL_SHIFT;
}

/* The tokens that could stand there, operators left out: how many, or 0 if they are more than MAX_EXPECTED. */
static int expected_tokens(const yypcontext_t *context, yysymbol_kind_t *expected)
{
    yysymbol_kind_t all[MAX_TOKENS];
    int all_count = yypcontext_expected_tokens(context, all, MAX_TOKENS), count = 0;

    for (int i = 0; i < all_count; i++) {
        if (is_operator(all[i]))
            continue;
        if (count == MAX_EXPECTED)
            return 0;
        expected[count++] = all[i];
    }
    return count;
}

/* "expected ';' or ',', found a name 'x'". Where more than a few tokens could stand, says only what was found. */
static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, struct unit *unit)
{
    const struct span *span = yypcontext_location(context);
    yysymbol_kind_t expected[MAX_EXPECTED], found = yypcontext_token(context);
    int count = expected_tokens(context, expected);
    char text[256] = "";
    size_t used = 0;

    (void)scanner;
    (void)unit;
    for (int i = 0; i < count && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "expected " : " or ",
                                 yysymbol_name(expected[i]));
    if (count > 0)
        report(CODE_SYNTAX, *span, "%s, found %s", text, yysymbol_name(found));
    else
        report(CODE_SYNTAX, *span, "%s cannot stand here", yysymbol_name(found));
    return 0;
}

static void yyerror(struct span *span, void *scanner, struct unit *unit, const char *text)
{
    (void)scanner;
    (void)unit;
    (void)text; /* "memory exhausted": syntax errors are told above */
    report(CODE_TOO_LARGE, *span, "this is nested too deeply");
}

static struct declaration *events_interface(struct declaration *interface, struct span span)
{
    size_t length = strlen(interface->name.text);
    char *name = allocate(length + sizeof("Events"));
    struct declaration *events;

    memcpy(name, interface->name.text, length);
    memcpy(name + length, "Events", sizeof("Events"));
    events = ast_declaration(span, DECLARATION_INTERFACE, (struct name){name, span}, NULL, NULL);
    events->events_of = interface;
    return events;
}

/* The events of an interface File are the operations of an interface FileEvents, which clients serve. */
static void split_events(struct unit *unit, struct declaration *interface)
{
    struct operation_list operations = {0}, events = {0};

    if (interface->events_of)
        return;
    for (struct operation *operation = interface->operations.first, *next; operation; operation = next) {
        next = operation->next;
        operation->next = NULL;
        if (operation->kind == OPERATION_EVENT)
            events = ast_append_operation(events, operation);
        else
            operations = ast_append_operation(operations, operation);
    }
    interface->operations = operations;
    if (!events.first)
        return;
    interface->events = ast_with_operations(events_interface(interface, events.first->name.span), events);
    unit->declarations = ast_append_declaration(unit->declarations, interface->events);
}

void parse_unit(struct unit *unit)
{
    struct lexer_state state = {.unit = unit, .line = 1, .column = 1};
    size_t errors = diagnostics_errors();
    void *scanner;

    if (yylex_init_extra(&state, &scanner) != 0) {
        fputs("idlc: out of memory\n", stderr);
        exit(1);
    }
    yy_scan_bytes(unit->source->text, (int)unit->source->length, scanner);
    yyparse(scanner, unit);
    yylex_destroy(scanner);
    unit->incomplete = diagnostics_errors() != errors;
    if (!unit->library.text)
        unit->library.text = copy_text("", 0); /* a syntax error was reported: checks go on without it */
    for (struct declaration *declaration = unit->declarations.first; declaration; declaration = declaration->next) {
        declaration->unit = unit;
        split_events(unit, declaration);
    }
}
