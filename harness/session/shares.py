"""How xdist hands out cases: each worker its whole share at once, the same share that the worker works out itself."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScheduling


class ShareScheduling(LoadScheduling):  # type: ignore[misc]  # xdist has no types
    collection: list[str] | None

    def schedule(self) -> None:
        nodes: list[Any] = self.nodes
        if self.collection is not None:
            for node in nodes:
                self.check_schedule(node)
            return
        if not self._check_nodes_have_same_collection():
            self.log("**Different tests collected, aborting run**")
            return
        collection: list[str] = next(iter(self.node2collection.values()))
        self.collection = collection
        for node in nodes:
            index = int(node.gateway.id.removeprefix("gw"))
            share = list(range(index, len(collection), len(nodes)))
            self.node2pending[node].extend(share)
            if share:
                node.send_runtest_some(share)
        for node in nodes:
            node.shutdown()
