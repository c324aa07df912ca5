/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends with a status that says so. */
int main(void)
{
    return 3;
}
