/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of checks, the order in which they run, and the look-up of names that they share.
 */
#include "check.h"

#include "names.h"

#include <string.h>

#define MAX_PREREQUISITES 3

struct check {
    const char *name;
    void (*run)(struct program *program);
    const char *prerequisites[MAX_PREREQUISITES];
    enum { CHECK_UNTRIED, CHECK_PASSED, CHECK_FAILED } status;
};

static struct check checks[] = {
    {"unique_declarations", check_unique_declarations, {0}, CHECK_UNTRIED},
    {"unique_members", check_unique_members, {0}, CHECK_UNTRIED},
    {"constants", check_constants, {0}, CHECK_UNTRIED},
    {"types", check_types, {0}, CHECK_UNTRIED},
    {"member_values", check_member_values, {0}, CHECK_UNTRIED},
    {"struct_cycles", check_struct_cycles, {0}, CHECK_UNTRIED},
    {"rows", check_rows, {0}, CHECK_UNTRIED},
    {"attributes", check_attributes, {0}, CHECK_UNTRIED},
    {"interface_ids", check_interface_ids, {"attributes"}, CHECK_UNTRIED},
    {"bases", check_bases, {"attributes"}, CHECK_UNTRIED},
    {"operation_numbers", check_operation_numbers, {0}, CHECK_UNTRIED},
    {"operation_kinds", check_operation_kinds, {0}, CHECK_UNTRIED},
    {"raises", check_raises, {0}, CHECK_UNTRIED},
    {"kernel_interfaces", check_kernel_interfaces, {"attributes"}, CHECK_UNTRIED},
    {"c_names", check_c_names, {"unique_declarations", "unique_members", "bases"}, CHECK_UNTRIED},
    {"layout", check_layout, {"constants", "types", "struct_cycles"}, CHECK_UNTRIED},
    {"sizes", check_sizes, {"layout", "attributes"}, CHECK_UNTRIED},
    {"documentation", check_documentation, {0}, CHECK_UNTRIED},
};

#define CHECKS_COUNT (sizeof(checks) / sizeof(checks[0]))

static struct check *find_check(const char *name)
{
    for (size_t i = 0; i < CHECKS_COUNT; i++)
        if (strcmp(checks[i].name, name) == 0)
            return &checks[i];
    return NULL;
}

static bool prerequisites_hold(const struct check *check)
{
    for (size_t i = 0; i < MAX_PREREQUISITES && check->prerequisites[i]; i++)
        if (find_check(check->prerequisites[i])->status != CHECK_PASSED)
            return false;
    return true;
}

bool check_program(struct program *program)
{
    for (size_t i = 0; i < CHECKS_COUNT; i++) {
        size_t before = diagnostics_errors();

        if (!prerequisites_hold(&checks[i]))
            continue;
        diagnostics_set_check(checks[i].name);
        checks[i].run(program);
        checks[i].status = diagnostics_errors() == before ? CHECK_PASSED : CHECK_FAILED;
    }
    diagnostics_set_check(NULL);
    return diagnostics_errors() == 0;
}

void check_print_names(FILE *output)
{
    for (size_t i = 0; i < CHECKS_COUNT; i++) {
        fprintf(output, "%s", checks[i].name);
        for (size_t j = 0; j < MAX_PREREQUISITES && checks[i].prerequisites[j]; j++)
            fprintf(output, "%s %s", j == 0 ? ": needs" : ",", checks[i].prerequisites[j]);
        fputc('\n', output);
    }
}

static bool is_visible(const struct unit *from, const struct unit *unit)
{
    if (from == unit)
        return true;
    FOR_EACH(import, import, from->imports)
    if (import->unit == unit)
        return true;
    return false;
}

static bool same_library(const struct unit *unit, const char *library)
{
    return library && strcmp(unit->library.text, library) == 0;
}

/* Reports that nothing is called so, with the nearest name, or with the import that is missing. */
static void report_not_found(const struct program *program, const struct unit *from, const char *library,
                             const char *name, struct span span, const char *what, enum diagnostic_code code)
{
    struct suggestion suggestion = {.wanted = name};

    FOR_EACH_UNIT(unit, program)
    {
        if (!same_library(unit, library))
            continue;
        FOR_EACH_DECLARATION(declaration, unit)
        {
            if (strcmp(declaration->name.text, name) == 0) {
                report(code, span, "'%s' is declared in %s, which is not imported here", name, unit->source->path);
                return;
            }
            if (is_visible(from, unit))
                suggestion_offer(&suggestion, declaration->name.text);
        }
    }
    report(code, span, "library '%s' has no %s '%s'%s", library, what, name, suggestion_text(&suggestion));
}

static bool library_exists(const struct program *program, const char *library, struct suggestion *suggestion)
{
    FOR_EACH_UNIT(unit, program)
    {
        if (same_library(unit, library))
            return true;
        suggestion_offer(suggestion, unit->library.text);
    }
    return false;
}

struct declaration *find_declaration(const struct program *program, const struct unit *from, const char *library,
                                     const char *name, struct span span, const char *what, enum diagnostic_code code)
{
    struct suggestion suggestion = {.wanted = library};

    if (library && !library_exists(program, library, &suggestion)) {
        report(code, span, "no imported file is of library '%s'%s", library, suggestion_text(&suggestion));
        return NULL;
    }
    if (!library)
        library = from->library.text;
    FOR_EACH_UNIT(unit, program)
    {
        if (!same_library(unit, library) || !is_visible(from, unit))
            continue;
        FOR_EACH_DECLARATION(declaration, unit)
        if (strcmp(declaration->name.text, name) == 0)
            return declaration;
    }
    report_not_found(program, from, library, name, span, what, code);
    return NULL;
}
