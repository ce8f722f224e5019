/**
 * Faces as offsets from the resting values of Cubism parameters; `gasp` opens the mouth for a moment, 0..1;
 * `shut` says that the eyes are closed by it, so that nothing blinks.
 */
const both = (id, value) => ({ [id.replace("*", "L")]: value, [id.replace("*", "R")]: value });

export const EXPRESSIONS = {
  neutral: { params: {} },
  joy: {
    params: {
      ...both("ParamEye*Smile", 1), ...both("ParamEye*Open", -1), ...both("ParamBrow*Y", 0.45),
      ...both("ParamBrow*Form", 0.5), ParamMouthForm: 1, ParamCheek: 0.75, ParamAngleZ: 4, ParamSparkle: 1,
    },
    gasp: 0.75,
    shut: true,
  },
  sadness: {
    params: {
      ...both("ParamBrow*Y", 0.1), ...both("ParamBrow*Angle", 1), ...both("ParamBrow*Form", -0.6),
      ...both("ParamEye*Open", -0.3), ParamMouthForm: -1.2, ParamMouthPuckerWiden: -0.35, ParamTear: 1,
      ParamAngleY: -9, ParamAngleZ: -4, ParamEyeBallY: -0.25, ParamShoulderY: -0.6,
    },
  },
  anger: {
    params: {
      ...both("ParamBrow*Y", -0.75), ...both("ParamBrow*Angle", -1), ...both("ParamBrow*X", -0.7),
      ...both("ParamEye*Open", -0.18), ParamEyeBallForm: -0.25, ParamMouthForm: -1.15,
      ParamMouthPuckerWiden: -0.2, ParamAnger: 1, ParamCheek: 0.3, ParamCheekPuff: 0.8, ParamAngleY: -4,
      ParamShoulderY: 0.5,
    },
  },
  surprise: {
    params: {
      ...both("ParamEye*Open", 0.28), ...both("ParamBrow*Y", 1), ...both("ParamBrow*Form", 0.6),
      ParamEyeBallForm: -0.55, ParamMouthForm: -0.45, ParamMouthPuckerWiden: -1, ParamAngleY: 5, ParamBodyAngleY: 3,
      ParamShoulderY: 0.8,
    },
    gasp: 0.55,
  },
  fear: {
    params: {
      ...both("ParamEye*Open", 0.14), ...both("ParamBrow*Y", 0.5), ...both("ParamBrow*Angle", 1),
      ParamEyeBallForm: -0.85, ParamMouthForm: -0.7, ParamMouthWave: 1, ParamShade: 1, ParamSweat: 1,
      ParamAngleY: -3, ParamAngleX: 5, ParamShoulderY: 1,
    },
  },
  disgust: {
    params: {
      ...both("ParamEye*Open", -0.5), ParamBrowLY: -0.5, ParamBrowRY: -0.15, ParamBrowLAngle: -0.6,
      ParamBrowRAngle: 0.35, ParamMouthForm: -0.8, ParamMouthWave: 0.75, ParamMouthX: -0.5, ParamShade: 0.5,
      ParamAngleX: -11, ParamAngleZ: -5, ParamEyeBallX: 0.35,
    },
  },
  smirk: {
    params: {
      ParamEyeLOpen: -0.28, ParamEyeROpen: -0.36, ParamEyeLSmile: 0.3, ParamEyeRSmile: 0.45, ParamBrowLY: 0.7,
      ParamBrowLForm: 0.5, ParamBrowRY: -0.45, ParamBrowRAngle: -0.4, ParamMouthForm: 0.55, ParamMouthX: 1,
      ParamAngleX: 7, ParamAngleZ: -6, ParamAngleY: 3,
    },
  },
  shy: {
    params: {
      ...both("ParamEye*Open", -0.36), ...both("ParamBrow*Angle", 0.8), ...both("ParamBrow*Y", 0.2),
      ParamEyeBallX: -0.75, ParamEyeBallY: -0.45, ParamCheek: 1, ParamMouthWave: 0.55, ParamMouthForm: 0.1,
      ParamMouthPuckerWiden: -0.3, ParamAngleX: -8, ParamAngleY: -9, ParamAngleZ: 7, ParamShoulderY: 0.6,
    },
  },
  love: {
    params: {
      ...both("ParamEye*Open", 0.08), ...both("ParamEye*Smile", 0.25), ...both("ParamBrow*Y", 0.5), ParamHeart: 1,
      ...both("ParamBrow*Form", 0.6), ParamCheek: 1, ParamMouthForm: 0.9, ParamAngleZ: 6, ParamEyeBallForm: 0.5,
    },
    gasp: 0.45,
  },
  thinking: {
    params: {
      ParamEyeBallX: 0.55, ParamEyeBallY: 0.75, ParamEyeLOpen: -0.05, ParamEyeROpen: -0.12, ParamBrowLY: 0.55,
      ParamBrowRY: -0.2, ParamBrowRAngle: -0.35, ParamMouthForm: -0.5, ParamMouthPuckerWiden: -0.6, ParamMouthX: -0.4,
      ParamAngleZ: -7, ParamAngleY: 6, ParamAngleX: 5,
    },
  },
  wink: {
    params: {
      ParamEyeLOpen: -1, ParamEyeLSmile: 0.85, ParamEyeROpen: 0.05, ParamBrowLY: -0.15, ParamBrowRY: 0.5,
      ParamMouthForm: 0.85, ParamMouthX: 0.45, ParamCheek: 0.5, ParamAngleZ: 7, ParamSparkle: 0.6,
    },
    gasp: 0.3,
  },
  sleepy: {
    params: {
      ...both("ParamEye*Open", -0.68), ...both("ParamBrow*Y", -0.2), ...both("ParamBrow*Angle", 0.55),
      ParamMouthForm: -0.2, ParamMouthPuckerWiden: -0.35, ParamAngleY: -10, ParamAngleZ: 8, ParamShoulderY: -0.8,
    },
  },
};

/** Poses that the conversation itself gives, much weaker than an expression. */
export const POSES = {
  idle: {},
  listening: { ParamAngleZ: 2.5, ParamAngleY: 1, ...both("ParamBrow*Y", 0.12), ...both("ParamEye*Open", 0.03) },
  thinking: {
    ParamEyeBallX: 0.4, ParamEyeBallY: 0.5, ParamAngleY: 4, ParamAngleZ: -4, ParamAngleX: 4, ParamMouthForm: -0.25,
    ...both("ParamBrow*Y", 0.15),
  },
  speaking: { ParamAngleZ: -1, ...both("ParamBrow*Y", 0.1) },
  asleep: { ParamAngleY: -9, ParamAngleZ: 5, ...both("ParamEye*Open", -1), ...both("ParamBrow*Y", -0.15) },
};
