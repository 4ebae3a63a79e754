# SPDX-License-Identifier: MIT
#
# cmake -DSOURCE=<tree> -DKERNELS=<folder> -DTOOLCHAIN=<file> -DNDK_MAJOR=<number> -DABIS=<list> -DMIN_SDK=<level> -DVERSION=<x.y.z>
#       -DOUT=<folder> [-DOPTIONS=<list>] -P aar.cmake
#
# Builds the shared libraries for each ABI in OUT/<abi> and packs OUT/vatten-<version>.aar: a prefab package of schema 2, which Android's Gradle
# plugin gives to CMake and ndk-build as vatten::vatten and vatten::context. The same libraries make the same bytes.
cmake_minimum_required(VERSION 3.21)

set(tree ${OUT}/aar)
file(REMOVE_RECURSE ${tree})

function(write_json FILE TEXT)
  file(WRITE ${tree}/prefab/${FILE} "${TEXT}\n")
endfunction()

# A module from what is installed for all ABIs: module(NAME LIBRARY EXPORTS HEADERS...)
function(module NAME LIBRARY EXPORTS)
  set(folder modules/${NAME})
  write_json(${folder}/module.json "{\n  \"export_libraries\": [${EXPORTS}],\n  \"library_name\": \"${LIBRARY}\",\n  \"android\": {}\n}")
  foreach(header ${ARGN})
    file(COPY ${header} DESTINATION ${tree}/prefab/${folder}/include/vatten)
  endforeach()
  foreach(abi ${ABIS})
    set(libs ${folder}/libs/android.${abi})
    file(COPY ${OUT}/${abi}/prefix/lib/${LIBRARY}.so DESTINATION ${tree}/prefab/${libs})
    write_json(${libs}/abi.json
      "{\n  \"abi\": \"${abi}\",\n  \"api\": ${MIN_SDK},\n  \"ndk\": ${NDK_MAJOR},\n  \"stl\": \"none\",\n  \"static\": false\n}")
  endforeach()
endfunction()

foreach(abi ${ABIS})
  set(build ${OUT}/${abi})
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${build} -G Ninja -DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN} -DANDROID_ABI=${abi}
      -DANDROID_PLATFORM=android-${MIN_SDK} -DANDROID_STL=none -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DVATTEN_CONTEXT=ON
      -DVATTEN_INSTALL=ON -DVATTEN_TOOLS=OFF -DVATTEN_PYTHON=OFF -DVATTEN_SAMPLES=OFF -DVATTEN_TESTS=OFF -DVATTEN_PREBUILT_SPIRV=${KERNELS}
      -DCMAKE_INSTALL_LIBDIR=lib ${OPTIONS}
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${build} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --strip --prefix ${build}/prefix COMMAND_ERROR_IS_FATAL ANY)
endforeach()

list(GET ABIS 0 first)
file(GLOB headers ${OUT}/${first}/prefix/include/vatten/*.h)
set(context ${OUT}/${first}/prefix/include/vatten/context.h)
list(REMOVE_ITEM headers ${context})
write_json(prefab.json "{\n  \"schema_version\": 2,\n  \"name\": \"vatten\",\n  \"version\": \"${VERSION}\",\n  \"dependencies\": []\n}")
module(vatten libvatten "" ${headers})
module(context libvatten_context "\":vatten\"" ${context})
file(WRITE ${tree}/AndroidManifest.xml "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<manifest xmlns:android=\"http://schemas.android.com/apk/res/android\" package=\"org.vatten\" android:versionCode=\"1\" android:versionName=\"${VERSION}\">
    <uses-sdk android:minSdkVersion=\"${MIN_SDK}\" />
</manifest>
")
file(COPY ${SOURCE}/LICENSE DESTINATION ${tree}/META-INF)

file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${tree} ${tree}/*)
list(SORT files)
list(JOIN files "\n" lines)
file(WRITE ${OUT}/files.txt "${lines}\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E tar cf ${OUT}/vatten-${VERSION}.aar --format=zip "--mtime=2000-01-01 00:00:00 UTC"
    --files-from=${OUT}/files.txt
  WORKING_DIRECTORY ${tree} COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "${OUT}/vatten-${VERSION}.aar")
