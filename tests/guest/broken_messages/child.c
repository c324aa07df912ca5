/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process could be made of; nobody starts it. */
int main(void)
{
    return 0;
}
