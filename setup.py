"""Everything that describes the package stands in settings.ini; this file only hands it over."""
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=['='])
config.read(here/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
status = {'1': 'Planning', '2': 'Pre-Alpha', '3': 'Alpha', '4': 'Beta', '5': 'Production/Stable'}[cfg['status']]


def readme():
    "The README with links that also lead somewhere from the page of a package index."
    def link(m): return f"{m[1]}({cfg['git_url']}/{'raw' if m[1][0] == '!' else 'blob'}/{cfg['branch']}/"
    return re.sub(r'(!?\[[^\]]*\])\((?![a-z]+:|#)', link, (here/'README.md').read_text(encoding='utf-8'))


setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=readme(),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    project_urls={'Documentation': cfg['doc_host'] + cfg['doc_baseurl'], 'Source': cfg['git_url'],
                  'Changelog': f"{cfg['git_url']}/blob/{cfg['branch']}/CHANGELOG.md"},
    keywords=cfg['keywords'],
    license='Apache-2.0',
    classifiers=[
        f"Development Status :: {cfg['status']} - {status}",
        f"Intended Audience :: {cfg['audience']}",
        f"Natural Language :: {cfg['language']}",
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        *(f'Programming Language :: Python :: {v}' for v in cfg['pythons'].split()),
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=[cfg['lib_name'], f"{cfg['lib_name']}.*"]),
    package_data={cfg['lib_name']: cfg['package_data'].split()},
    include_package_data=True,
    install_requires=cfg['requirements'].split(),
    extras_require={'dev': cfg['dev_requirements'].split(), 'live': cfg['live_requirements'].split()},
    entry_points={
        'console_scripts': cfg['console_scripts'].split(),
        'nbdev': [f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"],
    },
    zip_safe=False,
)
