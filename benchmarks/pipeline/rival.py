# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The strongest simple rival: ``dlt`` with its ``rest_api`` source, as a careful user would set it up.

One resource pages sequentially, so the window is cut into as many parts as there shall be requests at the same time,
each a resource that is extracted in parallel with the others and appends to the same table. Rows stay whole: no child
tables of tags. Local JSON Lines without compression are the destination; rows are normalized in as many processes as
there are cores.
"""

from __future__ import annotations

import os
from pathlib import Path

from usage import Stopwatch, peak_mb, report, specification


def main() -> None:
    given = specification()
    home = Path(given["folder"])
    concurrency = given["concurrency"]
    os.environ.update(
        DLT_PROJECT_DIR=str(home),
        DLT_DATA_DIR=str(home / "data"),
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="ERROR",
        EXTRACT__WORKERS=str(concurrency),
        EXTRACT__MAX_PARALLEL_ITEMS=str(concurrency * 4),
        EXTRACT__FUTURES_POLL_INTERVAL="0.001",
        EXTRACT__DATA_WRITER__FILE_MAX_ITEMS="25000",
        NORMALIZE__WORKERS=str(os.cpu_count() or 1),
        NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION="true",
    )
    importing = Stopwatch()
    import dlt
    from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
    from dlt.sources.rest_api import rest_api_source

    imports = importing.read()
    working = Stopwatch()
    source = rest_api_source(
        {
            "client": {
                "base_url": given["base_url"],
                "headers": {"X-Api-Key": given["key"]},
            },
            "resources": [
                {
                    "name": f"part_{number}",
                    "table_name": "detailed",
                    "write_disposition": "append",
                    "max_table_nesting": 0,
                    "parallelized": True,
                    "endpoint": {
                        "path": given["path"],
                        "method": "POST",
                        "json": body,
                        "data_selector": "timeentries",
                        "paginator": PageNumberPaginator(
                            base_page=1,
                            page_body_path="detailedFilter.page",
                            total_path=None,
                            stop_after_empty_page=True,
                        ),
                    },
                }
                for number, body in enumerate(given["bodies"])
            ],
        }
    )
    pipeline = dlt.pipeline(
        "rival",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=(home / "out").as_uri()),
        dataset_name="clockify",
    )
    pipeline.extract(source, loader_file_format="jsonl")
    extracted = working.read()
    pipeline.normalize()
    normalized = working.read()
    pipeline.load().raise_on_failed_jobs()
    report(**working.read(), imports=imports, extracted=extracted, normalized=normalized, peak_mb=peak_mb())


if __name__ == "__main__":
    main()
