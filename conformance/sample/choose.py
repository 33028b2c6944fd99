"""Chooses the sample from a full set of recorded programs: `python choose.py FOLDER-OF-jsonl.gz`.

The smallest record of every primitive and of every kind of hook among those with the most sections, for a primitive a second one
from another source if it is very small, and for a factorization one that results in a matrix; primitives that occur in large programs only are left out. The result is the same for the same records.
"""
import collections
import glob
import gzip
import json
import os
import sys

SECTIONS = ('jvp', 'vjp', 'vmap', 'order2')
GREATEST = 15_000  # bytes of any record
LIMIT = 2_500      # bytes of one record, unless all of a primitive's are longer


def primitives(value, out):
    if isinstance(value, dict):
        if 'prim' in value and 'params' in value:
            out.add(value['prim'])
        for x in value.values():
            primitives(x, out)
    elif isinstance(value, list):
        for x in value:
            primitives(x, out)
    return out


def main(folder):
    groups = collections.defaultdict(list)
    for path in sorted(glob.glob(os.path.join(folder, '*.jsonl.gz'))):
        with gzip.open(path, 'rt') as file:
            for line in file:
                record = json.loads(line)
                empty = all(0 in y['shape'] for y in record['y'])
                rank = (empty, len(line) > LIMIT, sum(record[s] is None for s in SECTIONS), len(line), record['id'])
                row = (rank, record['source'], record['id'], line)
                groups['hook ' + record['hook'].split('.')[0]].append(row)
                matrices = any(len(y['shape']) > 1 and min(y['shape'][-2:]) > 1 for y in record['y'])
                for name in primitives(record['jaxpr'], set()):
                    groups['primitive ' + name].append(row)
                    if matrices and record['source'] == 'harness_linalg':
                        groups['matrices of ' + name].append(row)
    chosen = {}
    for name in sorted(groups):
        rows = sorted(groups[name])
        picks = [r for r in rows if len(r[3]) <= GREATEST][:1]
        if name.startswith('primitive'):
            picks += [r for r in rows[1:] if r[1] != rows[0][1] and len(r[3]) <= 900][:1]
        chosen.update({r[2]: r for r in picks})
    here = os.path.dirname(os.path.abspath(__file__))
    files = collections.defaultdict(list)
    for _, source, ident, line in chosen.values():
        files[source].append((ident, json.dumps(json.loads(line), separators=(',', ':')) + '\n'))
    size = 0
    with open(os.path.join(here, 'sample.jsonl'), 'w') as out:
        for source in sorted(files):
            for _, line in sorted(files[source]):
                out.write(line)
                size += len(line)
    print(len(chosen), 'records,', size, 'bytes')


if __name__ == '__main__':
    main(sys.argv[1])
