/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of numbers: constants, and the values of enum, flags and errors members. Constants are folded here.
 */
#include "check.h"

#include <inttypes.h>
#include <string.h>

#define MAX_CONSTANT_DEPTH 256   /* consts that are defined through each other */
#define MAX_EXPRESSION_DEPTH 100 /* operators in each other */

static int constant_depth; /* of the one that is being folded */

/* What expressions are reckoned in: wide enough for every product of two numbers that stand in a file. */
typedef __int128 wide;

static void fold_constant(const struct program *program, struct declaration *declaration);

static bool fits(wide number, unsigned bits, bool is_signed)
{
    wide top = (wide)1 << (is_signed ? bits - 1 : bits);

    return number < top && number >= (is_signed ? -top : 0);
}

static bool constant_number(const struct program *program, const struct unit *unit, const struct value *value,
                            wide *number)
{
    struct declaration *found =
        find_declaration(program, unit, value->library, value->text, value->span, "const", CODE_UNKNOWN_NAME);
    unsigned found_bits;
    bool found_signed;

    if (!found)
        return false;
    if (found->kind != DECLARATION_CONST) {
        report(CODE_WRONG_KIND, value->span, "'%s' is of kind %s; a number or a const must stand here", value->text,
               declaration_kind_name(found->kind));
        return false;
    }
    fold_constant(program, found);
    if (found->broken || !integer_type(found->type, &found_bits, &found_signed))
        return false;
    *number = found_signed ? (wide)(int64_t)found->number : (wide)found->number;
    return true;
}

/* False if it overflows. */
static bool shift(wide left, wide right, wide *number)
{
    return right >= 0 && right < 64 && !__builtin_mul_overflow(left, (wide)1 << right, number);
}

static bool operate(const struct value *value, wide left, wide right, wide *number)
{
    if ((value->operation == '/' || value->operation == '%') && right == 0) {
        report(CODE_EXPRESSION, value->right->span, "division by zero");
        return false;
    }
    switch (value->operation) {
    case '|':
        *number = left | right;
        return true;
    case '^':
        *number = left ^ right;
        return true;
    case '&':
        *number = left & right;
        return true;
    case '+':
        return !__builtin_add_overflow(left, right, number);
    case '-':
        return !__builtin_sub_overflow(left, right, number);
    case '*':
        return !__builtin_mul_overflow(left, right, number);
    case '/':
        *number = left / right;
        return true;
    case '%':
        *number = left % right;
        return true;
    default:
        return shift(left, right, number);
    }
}

static bool evaluate(const struct program *program, const struct unit *unit, const struct value *value, wide *number);

static bool evaluate_binary(const struct program *program, const struct unit *unit, const struct value *value,
                            wide *number)
{
    size_t before = diagnostics_errors();
    wide left, right;

    if (!evaluate(program, unit, value->left, &left) || !evaluate(program, unit, value->right, &right))
        return false;
    if (operate(value, left, right, number) && fits(*number, 65, true))
        return true;
    if (diagnostics_errors() == before)
        report(CODE_EXPRESSION, value->span, "the result has more than 64 bits");
    return false;
}

static bool evaluate(const struct program *program, const struct unit *unit, const struct value *value, wide *number)
{
    if (value->depth > MAX_EXPRESSION_DEPTH) {
        report(CODE_TOO_LARGE, value->span, "an expression of more than %d levels", MAX_EXPRESSION_DEPTH);
        return false;
    }
    switch (value->kind) {
    case VALUE_NAME:
        return constant_number(program, unit, value, number);
    case VALUE_DURATION:
        report(CODE_WRONG_KIND, value->span, "a duration can only stand in @timeout");
        return false;
    case VALUE_NEGATED:
        if (!evaluate(program, unit, value->right, number))
            return false;
        *number = -*number;
        return true;
    case VALUE_BINARY:
        return evaluate_binary(program, unit, value, number);
    case VALUE_NUMBER:
        break;
    }
    *number = value->negative ? -(wide)value->magnitude : (wide)value->magnitude;
    return true;
}

bool value_number(const struct program *program, const struct unit *unit, struct value *value, unsigned bits,
                  bool is_signed, uint64_t *number)
{
    char type = is_signed ? 'i' : 'u';
    wide result;

    if (!evaluate(program, unit, value, &result))
        return false;
    *number = (uint64_t)result;
    if (fits(result, bits, is_signed))
        return true;
    if (value->kind == VALUE_NAME)
        report(CODE_RANGE, value->span, "the value of '%s' does not fit in %c%u", value->text, type, bits);
    else if (value->kind == VALUE_NUMBER)
        report(CODE_RANGE, value->span, "%s%s does not fit in %c%u", value->negative ? "-" : "", value->text, type,
               bits);
    else
        report(CODE_RANGE, value->span, "the result, %s%" PRIu64 ", does not fit in %c%u", result < 0 ? "-" : "",
               (uint64_t)(result < 0 ? -result : result), type, bits);
    return false;
}

static void fold_constant(const struct program *program, struct declaration *declaration)
{
    unsigned bits;
    bool is_signed;

    if (declaration->visit == VISIT_DONE)
        return;
    if (declaration->visit == VISIT_OPEN) {
        report(CODE_CYCLE, declaration->name.span, "const '%s' is defined by itself", declaration->name.text);
        declaration->broken = true;
        return;
    }
    declaration->visit = VISIT_OPEN;
    constant_depth++;
    if (constant_depth > MAX_CONSTANT_DEPTH) {
        report(CODE_TOO_LARGE, declaration->name.span, "more than %d consts are defined through each other",
               MAX_CONSTANT_DEPTH);
        declaration->broken = true;
    } else if (!integer_type(declaration->type, &bits, &is_signed)) {
        report(CODE_WRONG_KIND, declaration->type->span,
               "the type of a const must be an integer (u8 to u64, i8 to i64)");
        declaration->broken = true;
    } else if (!value_number(program, declaration->unit, declaration->value, bits, is_signed, &declaration->number)) {
        declaration->broken = true;
    }
    constant_depth--;
    declaration->visit = VISIT_DONE;
}

void check_constants(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    if (declaration->kind == DECLARATION_CONST)
        fold_constant(program, declaration);
}

static void check_underlying(struct declaration *declaration)
{
    declaration->bits = 32;
    declaration->is_signed = false;
    if (!declaration->type)
        return;
    if (!integer_type(declaration->type, &declaration->bits, &declaration->is_signed))
        report(CODE_WRONG_KIND, declaration->type->span, "the underlying type must be an integer, such as u32");
    else if (declaration->is_signed && declaration->kind == DECLARATION_FLAGS)
        report(CODE_WRONG_KIND, declaration->type->span, "the underlying type of flags must be unsigned, such as u32");
}

static void check_one_value(const struct program *program, struct declaration *declaration, struct member *member)
{
    switch (declaration->kind) {
    case DECLARATION_ENUM:
        value_number(program, declaration->unit, member->value, declaration->bits, declaration->is_signed,
                     &member->number);
        break;
    case DECLARATION_FLAGS:
        if (!value_number(program, declaration->unit, member->value, 64, false, &member->number))
            break;
        if (member->number >= declaration->bits)
            report(CODE_RANGE, member->value->span, "flags name bits by number: this must be 0 to %u",
                   declaration->bits - 1);
        else
            declaration->all |= (uint64_t)1 << member->number;
        break;
    default:
        if (value_number(program, declaration->unit, member->value, 64, false, &member->number) &&
            (member->number == 0 || member->number > INT32_MAX))
            report(CODE_RANGE, member->value->span, "the number of an error must be 1 to 2147483647");
        break;
    }
}

void check_equal_values(const struct declaration *declaration)
{
    FOR_EACH(member, member, declaration->members)
    for (struct member *other = declaration->members.first; other != member; other = other->next)
        if (other->number == member->number) {
            report(CODE_DUPLICATE, member->value->span, "'%s' has the same number as '%s'", member->name.text,
                   other->name.text);
            break;
        }
}

void check_member_values(struct program *program)
{
    FOR_EACH_UNIT(unit, program)
    FOR_EACH_DECLARATION(declaration, unit)
    {
        size_t before = diagnostics_errors();

        if (declaration->kind != DECLARATION_ENUM && declaration->kind != DECLARATION_FLAGS &&
            declaration->kind != DECLARATION_ERRORS)
            continue;
        check_underlying(declaration);
        if (!declaration->members.first && !unit->incomplete)
            report(CODE_EMPTY, declaration->name.span, "%s '%s' has no members",
                   declaration_kind_name(declaration->kind), declaration->name.text);
        FOR_EACH(member, member, declaration->members)
        check_one_value(program, declaration, member);
        if (diagnostics_errors() == before)
            check_equal_values(declaration);
    }
}
