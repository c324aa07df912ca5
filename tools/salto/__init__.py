# SPDX-License-Identifier: BSD-2-Clause
"""What the commands run, test and bench, the build and the tests share."""
