/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of errors, from the one list of them in abi/errors.h. See salto/error.h. */
#include <salto/error.h>

#include <stdint.h>

#include "abi/errors.h"

const char *salto_error_text(int result)
{
#define ERROR_TEXT(number, name, text) [number] = text,
    static const char *const texts[] = {SALTO_ERRORS(ERROR_TEXT)};
#undef ERROR_TEXT
    uint32_t number = 0U - (uint32_t)result; /* stubs answer kernel errors negated */
    if (result == 0)
        return "success";
    if (result > 0)
        return "an error of the interface";
    if (number < sizeof(texts) / sizeof(texts[0]) && texts[number])
        return texts[number];
    return "unknown error";
}
