/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that the manifest guards: calls `echo` for ever, with numbers that go up, while the answers are right. */
#include <salto/server.h>
#include <salto/startup.h>

#include "abi/message.h"

int main(void)
{
    struct ipc_message message = {0};
    uint64_t echo = salto_require("echo"), tag = message_tag(MESSAGE_CALL, 1, 0);
    for (uint64_t number = 1;; number++) {
        message.words[0] = number;
        if (!message_is_tag(ipc_transfer(tag, echo, &message)) || message.words[0] != ~number)
            return 1;
    }
}
