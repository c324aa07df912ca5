/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side: types so far.
 */
#include "emit.h"

void emit_server(FILE *output, struct program *program)
{
    emit_header_start(output, program->units.first, "SERVER", "Types");
    emit_types(output, program);
    emit_header_end(output, program->units.first, "SERVER");
}
