#!/bin/bash
# The course on The Littlest JupyterHub: copy this file to a server that has TLJH, edit the lines below,
# and run it there as root (sudo bash tljh.sh); run it again after each change.
set -euo pipefail

# --- edit from here ---
hub=https://hub.example.org        # what students type; http:// until the server has HTTPS
memory=3G                          # a student's kernel is stopped at; a lesson stays below 2 GB
cores=2                            # of a student, at most
idle_minutes=90                    # an idle server is stopped; longer than lunch
longest_hours=10                   # and any server after so long
cache=/srv/unet-course/cache       # the sample, one for everybody, read only
data=                              # real patients that students may read; empty: the sample is used
repository=https://github.com/OWNER/unet-course # tools/address.py writes these two
branch=main
# --- to here ---

bin=/opt/tljh/user/bin # where TLJH keeps what students run
if [[ $repository == */OWNER/* ]]; then
    echo "tljh.sh: publish the course first (python tools/address.py OWNER/NAME)" >&2
    exit 1
fi

$bin/pip install --upgrade "unet-course[lab] @ git+$repository@$branch" nbgitpuller

# the sample, once for everybody; students may read it, and nobody but root write it
mkdir -p "$cache"
UNET_COURSE_CACHE=$cache $bin/unet-course data sample
chmod -R a+rX,go-w "$cache"

# TensorFlow and BLAS count the server's cores, not those that a student may use
cat > /opt/tljh/config/jupyterhub_config.d/unet_course.py <<END
c.Spawner.environment = {
    "UNET_COURSE_SHARED": "$cache",
    "UNET_COURSE_DATA": "$data",
    "OMP_NUM_THREADS": "$cores",
    "TF_NUM_INTRAOP_THREADS": "$cores",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
END

tljh-config set limits.memory "$memory"
tljh-config set limits.cpu "$cores"
tljh-config set services.cull.enabled true
tljh-config set services.cull.timeout $((idle_minutes * 60))
tljh-config set services.cull.max_age $((longest_hours * 3600))
tljh-config set user_environment.default_app jupyterlab
tljh-config reload

echo "The lessons' links, for the students:"
for lesson in $($bin/python -c "
from unet_course.commands import run_lesson
print(*(path.name for path in run_lesson.list_lessons()))"); do
    echo "$hub/hub/user-redirect/git-pull?repo=$repository&branch=$branch&urlpath=lab/tree/$(basename "$repository")/notebooks/$lesson"
done
