# SPDX-License-Identifier: Apache-2.0
"""A network laboratory on one host: namespaces, links, agents and readers, made for a run and gone after it."""
