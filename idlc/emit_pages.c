/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: see emit_pages.h.
 */
#include "emit_pages.h"

#include "check.h"
#include "layout.h"
#include "names.h"

#include "abi/message.h"

#include <inttypes.h>

static bool is_pages(const struct member *member)
{
    return member->type->kind == TYPE_PAGES;
}

static bool has_pages(struct member **members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_pages(members[i]))
            return true;
    return false;
}

const char *pages_refusal(const struct member *member)
{
    return text_of("!idl_are_pages(idl_utcb->items[%" PRIu64 "], %u)", member->item, member->type->rights);
}

void emit_pages_pack(FILE *output, const struct member *member)
{
    const char *name = c_variable(member);

    fprintf(output,
            "    idl_utcb->items[%" PRIu64 "] = idl_pages_item(%s, %u, %s);\n"
            "    idl_utcb->item_addresses[%" PRIu64 "] = (uint64_t)(uintptr_t)%s.address;\n",
            member->item, name, member->type->rights, member->type->move ? "ITEM_GRANT" : "ITEM_MAP", member->item,
            name);
}

static const char *arrived_text(const struct member *member)
{
    return text_of("idl_arrived_pages(idl_utcb, %" PRIu64 ")", member->item);
}

/* ---- Client ------------------------------------------------------------------------------------------------------ */

void emit_pages_limits(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_pages(operation->inputs[i]))
            fprintf(output, "    if (!idl_is_flexpage(%s))\n        return -ERROR_BAD_ADDRESS;\n%s",
                    c_variable(operation->inputs[i]),
                    operation->inputs[i]->type->lent ? "    if (!salto_own_task)\n        return -ERROR_NO_RIGHT;\n"
                                                     : "");
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (is_pages(operation->outputs[i]))
            fprintf(output, "    if (!idl_is_flexpage(%s_window))\n        return -ERROR_NO_WINDOW;\n",
                    operation->outputs[i]->name.text);
}

void emit_pages_locals(FILE *output, const struct operation *operation)
{
    if (has_pages(operation->outputs, operation->outputs_count))
        fprintf(output, "    const uint64_t idl_kept_window = idl_utcb->window_address;\n"
                        "    const uint64_t idl_kept_log2 = idl_utcb->window_log2;\n");
}

void emit_pages_open(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (is_pages(operation->outputs[i]))
            fprintf(output, "    idl_set_window(idl_utcb, %s_window);\n", operation->outputs[i]->name.text);
}

/* What was lent is taken back first of all, whatever was answered. */
void emit_pages_close(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (operation->inputs[i]->type->lent)
            fprintf(output, "    idl_take_back(%s);\n", c_variable(operation->inputs[i]));
    if (has_pages(operation->outputs, operation->outputs_count))
        fprintf(output, "    idl_utcb->window_address = idl_kept_window;\n"
                        "    idl_utcb->window_log2 = idl_kept_log2;\n");
}

void emit_pages_output(FILE *output, const struct member *member)
{
    fprintf(output, "    *%s = %s;\n", c_variable(member), arrived_text(member));
}

/* ---- Server ------------------------------------------------------------------------------------------------------ */

void emit_pages_server_locals(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_pages(operation->inputs[i]))
            fprintf(output, "    struct idl_pages %s;\n", c_variable(operation->inputs[i]));
    for (size_t i = 0; i < operation->outputs_count; i++)
        if (is_pages(operation->outputs[i]))
            fprintf(output, "    struct idl_pages %s = {0, 0};\n", c_variable(operation->outputs[i]));
    if (has_pages(operation->inputs, operation->inputs_count))
        fprintf(output, "    uint64_t idl_opened_log2;\n");
}

void emit_pages_unpack(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_pages(operation->inputs[i]))
            fprintf(output, "    %s = %s;\n", c_variable(operation->inputs[i]), arrived_text(operation->inputs[i]));
}

void emit_pages_shut(FILE *output, const struct operation *operation)
{
    if (has_pages(operation->inputs, operation->inputs_count))
        fprintf(output, "    idl_opened_log2 = idl_utcb->window_log2;\n    idl_utcb->window_log2 = 0;\n");
}

void emit_pages_release(FILE *output, const struct operation *operation)
{
    for (size_t i = 0; i < operation->inputs_count; i++)
        if (is_pages(operation->inputs[i]))
            fprintf(output, "    idl_release_pages(%s);\n", c_variable(operation->inputs[i]));
    if (has_pages(operation->inputs, operation->inputs_count))
        fprintf(output, "    if (idl_utcb->window_log2 == 0)\n        idl_utcb->window_log2 = idl_opened_log2;\n");
}

void emit_pages_reply(FILE *output, const struct member *member)
{
    fprintf(output, "    if (!idl_is_flexpage(%s))\n        return idl_failed(-ERROR_BAD_ADDRESS, NULL);\n",
            c_variable(member));
    emit_pages_pack(output, member);
}
